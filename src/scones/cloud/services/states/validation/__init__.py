"""What AWS finds wrong with a definition, rule by rule, in its own words."""
