"""The joiner: halves of exchanges from foreign loggers, in any order, become exchanges."""
