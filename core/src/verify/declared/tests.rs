//! Judgements of small tables.
