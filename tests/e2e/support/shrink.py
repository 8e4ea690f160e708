"""The smallest case that still fails, found by leaving parts out (delta debugging)."""


def smallest(parts, fails):
    """What is left of a list that `fails`, when nothing more can be left out of it, alone or in a run of parts."""
    size = max(len(parts) // 2, 1)
    while True:
        start, before = 0, len(parts)
        while start < len(parts):
            fewer = parts[:start] + parts[start + size:]
            if fails(fewer):
                parts = fewer
            else:
                start += size
        if size == 1 and len(parts) == before:
            return parts
        size = max(size // 2, 1)
