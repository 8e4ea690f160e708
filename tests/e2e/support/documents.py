"""Documents in several languages, with all that tokenizers disagree about, and MATCH queries over them; the same for one seed."""

import random
import re

LATIN = "the of and house running quick brown fox technology possibly relational cats state art well known e mail data base".split()
ACCENTED = "Crème brûlée Straße ÜBER naïve Ångström Łódź façade jalapeño coöperate Đặc biệt Việt ệ Ế ñandú Ærø œuvre".split()
OTHERS = "Ёлка МОСКВА книга Σίσυφος ΚΑΛΗΜΕΡΑ שלום مرحبا 東京タワー 한국어 हिन्दी ภาษาไทย Դավիթ ქართული".split()
ODD = ("well-known state-of-the-art foo_bar __init__ it's O'Neil rock'n'roll http://example.com/path?q=1&r=2 user.name@mail.example.org "
       "/usr/local/lib/x.so C++ .NET 3.14 -42 1e10 +1.5E-3 0x1F 12abc abc12 2024-01-31 10:30:00 50% $9.99 #tag @user <b>bold</b> &amp; a.b.c v1.2.3 "
       "x² ½ ① Ⅷ ℃ 👍 👩‍👩‍👧 🦊fox ✓ … — “quoted” «texte» a\u0301b cafe\u0301 \u0301start \u200bzero\u200bwidth e\u0323\u0302 ﬁne ﬀ Ǆ ẞ ſ İstanbul ırmak "
       "\u00a0nbsp\u00a0 tab\tbed new\nline back\\slash col:on semi;colon 'single' double\"quote").split(" ")
WORDS = LATIN * 4 + ACCENTED * 2 + OTHERS + ODD


def texts(count, seed=1):
    """Titles and bodies."""
    random_ = random.Random(seed)
    return [(" ".join(random_.choices(WORDS, k=random_.randint(0, 5))), random_.choice(["", " "]).join(
        random_.choice([word, word.upper(), word]) + random_.choice([" ", " ", " ", ", ", ". ", "-", "/", "\n"]) for word in random_.choices(WORDS, k=random_.randint(0, 40))))
        for _ in range(count)]


def plain(text):
    """In quotes, as a query has it."""
    return '"' + text.replace('"', '""') + '"'


class Queries:
    """Of one of SQLite's query languages; words and phrases are taken from the documents, so that most find something."""

    def __init__(self, documents, seed=1):
        self.random = random.Random(seed)
        self.documents = [body for _, body in documents if body.strip()]

    def piece(self, length):
        """Some text of a document, of about so many words."""
        parts = re.split(r"(?<=[ \n])", self.random.choice(self.documents))
        start = self.random.randrange(len(parts))
        return "".join(parts[start:start + length]).strip() or "fox"

    def word(self):
        return plain(self.piece(1))

    def prefix(self):
        word = self.piece(1)
        return plain(word[:self.random.randint(1, 4)]) + " *"

    def phrase(self):
        return plain(self.piece(self.random.randint(2, 4)))

    def term(self):
        return self.random.choice([self.word, self.word, self.prefix, self.phrase])()

    def boolean(self, depth=2):
        if depth == 0:
            return self.term()
        one, two = self.boolean(depth - 1), self.boolean(depth - 1)
        return self.random.choice([f"{self.term()} {self.term()}", f"({one}) AND ({two})", f"({one}) OR ({two})", f"({one}) NOT ({two})",
                                   f"{self.term()} OR {self.term()} NOT {self.term()} AND {self.term()}"])

    def near(self):
        return f"NEAR({self.word()} {self.random.choice([self.word, self.prefix, self.phrase])()}, {self.random.choice([0, 1, 2, 5, 10])})"

    def columns(self):
        which = self.random.choice(["title", "body", "{title body}", "- title"])
        return self.random.choice([f"{which} : {self.term()}", f"{which} : ({self.boolean(1)})", f"{which} : {self.near()}"])

    def fts5(self, count):
        kinds = [self.word, self.prefix, self.phrase, self.boolean, self.near, self.columns]
        return [kinds[i % len(kinds)]() for i in range(count)]

    def bare(self, pattern=r"[^\s\"()*^:-]+"):
        """A word as FTS4 has it without quotes, no keyword."""
        words = re.findall(pattern, self.piece(3)) or ["fox"]
        return self.random.choice(words).replace("AND", "and").replace("OR", "or").replace("NOT", "not").replace("NEAR", "near")

    def fts4(self, count):
        inner = lambda: '"' + re.sub(r'["^*]', " ", self.piece(self.random.randint(2, 4))) + '"'  # noqa: E731
        term = lambda: self.random.choice([self.bare, lambda: self.bare()[:3] + "*", inner])()  # noqa: E731
        kinds = [lambda: self.bare(), lambda: self.bare()[:2] + "*", inner, lambda: f"{term()} {term()}", lambda: f"{term()} OR {term()} AND {term()}",
                 lambda: f"({term()} OR {term()}) NOT {term()}", lambda: f"{self.bare()} NEAR/{self.random.choice([0, 1, 3])} {self.bare()}",
                 lambda: f"{self.bare()} NEAR/2 {self.bare()} NEAR/4 {self.bare()}", lambda: f"title:{self.bare()} OR body:{self.bare()[:3]}*"]
        return [kinds[i % len(kinds)]() for i in range(count)]
