"""Random input from outside: responses, targets, state files, tokens, options and the environment."""

from hypothesis import HealthCheck, Phase, settings

EXAMPLES = 200
"""Examples of one check in a row."""

# Loaded before the checks are imported, because each check keeps the settings of its definition.
settings.register_profile(
    "fuzz",
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)
settings.load_profile("fuzz")
