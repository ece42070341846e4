"""The languages of the published models, as ISO 639-1 codes."""

ENGLISH = ("en",)
EUROPEAN = (
    *("bg", "hr", "cs", "da", "nl", "en", "et", "fi", "fr", "de", "el", "hu", "it"),
    *("lv", "lt", "mt", "pl", "pt", "ro", "sk", "sl", "es", "sv", "ru", "uk"),
)
"""The 25 of parakeet-tdt-0.6b-v3."""
