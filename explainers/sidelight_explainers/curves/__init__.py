"""How the output changes along each feature: accumulated local effects, partial dependence."""
