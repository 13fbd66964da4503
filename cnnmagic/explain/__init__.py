"""Questions and answers on one's own network: each a function of plan, state and probe, in English and Korean."""
