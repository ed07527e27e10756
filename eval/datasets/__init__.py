"""Questions with known answers, in every form that data sets come in."""
