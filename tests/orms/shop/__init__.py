"""The application of the shop in Django (django_shop.py)."""
