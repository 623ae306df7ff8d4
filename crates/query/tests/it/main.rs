//! Tests of the query crate from the outside.

mod cached;
mod differential;
mod engine;
mod eval_scripts;
mod explain;
mod kernel_model;
mod parser_fuzz;
mod parser_roundtrip;
mod parser_scripts;
mod parser_table;
mod rolled;
mod script;
mod script_histogram;
