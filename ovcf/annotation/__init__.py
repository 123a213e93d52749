"""From films to a labelled cohort: two annotators' marks as journals, their agreement, their consensus, the tables."""
