"""What a journal asks for, written from a finished run: limitations, paragraphs, checklists, cards, exports."""
