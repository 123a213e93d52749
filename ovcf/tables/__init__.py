"""Tables for people: statistics in, formatted cells out, no arithmetic beyond rounding."""
