//! Reports: what is known of a time, in sections, to be read outside the browser.
//!
//! A [`Report`] says what is wanted. [`needs`] says which questions have to be asked for it: queries, and
//! documents of the program's own API, so that a report has the numbers that the screen has. [`build`]
//! makes a [`Document`] of the answers; each number in it has its source. A document is written as JSON,
//! CSV, Markdown, HTML, PDF or PNG; all have the same texts.
//!
//! Pure: no clock, no file; the same answers give the same bytes. Limits: [`SECTIONS_MAX`] sections,
//! [`FIGURES_MAX`] figures, [`TABLE_ROWS_MAX`] rows of a table, [`pdf::PAGES_MAX`] pages; what is left out is told.

mod ask;
mod blocks;
mod board;
mod build;
mod cron;
mod csv;
mod definition;
mod flow;
mod html;
mod library;
mod markdown;
mod output;
pub mod panel;
mod pdf;
mod period;
mod sections;

pub use ask::{Answer, Answers, Need, Series, What};
pub use blocks::{Block, Cell, Column, Document, Fact, Part, Picture, TABLE_ROWS_MAX, Value};
pub use board::{BOARD_PX, Board, BoardPanel, board};
pub use build::{About, Boards, build, needs, report_of};
pub use cron::{Cron, fuzz_cron};
pub use definition::{
    BUILT_IN, FIGURES_MAX, ReceiverName, Report, SECTIONS_MAX, Schedule, Section, SectionKind,
    built_in, fuzz_report, is_id,
};
pub use html::html_lines;
pub use library::{Due, Kept, Library, LibraryError, REPORTS_MAX, ReportEdit, ReportVersion};
pub use markdown::plain_lines;
pub use output::{Format as OutputFormat, RenderError, render};
pub use pdf::PAGES_MAX;
pub use period::{Window, window};
