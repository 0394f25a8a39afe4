//! Document types and what they yield: pure functions from words to fields.
//!
//! Knows no file format, no engine, no clock and no IO.
