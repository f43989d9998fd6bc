"""Random input from outside: responses, targets, state files, tokens, options and the environment."""
