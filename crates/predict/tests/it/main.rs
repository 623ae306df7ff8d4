//! Forecasts and capacity on series with known truth; text in, text out; anything at all in, no panic out.

mod capacities;
mod forecasts;
mod generator;
mod texts;
