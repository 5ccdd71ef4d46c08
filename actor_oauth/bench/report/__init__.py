"""What was found, for people: one document, as terminal text, HTML or Markdown."""
