"""Arrays as they are typed: in words of other languages, with notes and advice; several outputs."""
