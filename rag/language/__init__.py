"""Knowledge of language: words, language codes, dates, questions, opposites and similar meanings."""
