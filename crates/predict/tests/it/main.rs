//! Forecasts and capacity on series with known truth; text in, text out; anything at all in, no panic out.

mod breaches;
mod capacities;
mod forecasts;
mod gates;
mod generator;
mod texts;
