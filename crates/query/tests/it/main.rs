//! Tests of the query crate from the outside.

mod parser_fuzz;
mod parser_roundtrip;
mod parser_scripts;
mod parser_table;
