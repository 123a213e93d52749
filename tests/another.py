"""A value of a parameter that is allowed and not the run's own."""

from ovcf.profiles.parameters import BY_NAME


def another_value(name, study):
    """Return what somebody might type instead of the run's value of a parameter."""
    value, allowed = study.parameters[name], BY_NAME[name].allowed
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return ["alexnet"]
    if isinstance(value, (int, float)):
        return value + 1 if allowed.admits(value + 1) else value / 2
    return next(w for w in allowed.words if w != value) if isinstance(allowed.words, tuple) else "other"
