//! Averages the readings of sensors: a batch of events in, each with a Protobuf message as its data,
//! one event out, with the count, mean, least and greatest value of each sensor.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

use alloc::collections::BTreeMap;

use ampoule::event::{Events, FromEvent, Protobuf};
use ampoule::prelude::*;

ampoule::batch_handler!(average);

/// `message Reading { string sensor = 1; double value = 2; }`
#[derive(Clone, PartialEq, prost::Message)]
struct Reading {
    #[prost(string, tag = "1")]
    sensor: String,
    #[prost(double, tag = "2")]
    value: f64,
}

/// `message Averages { repeated Average sensors = 1; }`, in the order of their names.
#[derive(Clone, PartialEq, prost::Message)]
struct Averages {
    #[prost(message, repeated, tag = "1")]
    sensors: Vec<Average>,
}

/// `message Average { string sensor = 1; uint64 count = 2; double mean = 3; double least = 4; double
/// greatest = 5; }`
#[derive(Clone, PartialEq, prost::Message)]
struct Average {
    #[prost(string, tag = "1")]
    sensor: String,
    #[prost(uint64, tag = "2")]
    count: u64,
    #[prost(double, tag = "3")]
    mean: f64,
    #[prost(double, tag = "4")]
    least: f64,
    #[prost(double, tag = "5")]
    greatest: f64,
}

fn average(events: &mut Events) -> Result<Protobuf<Averages>> {
    let mut sensors = BTreeMap::new();
    for event in events {
        let Protobuf(reading) = Protobuf::<Reading>::from_event(event?)?;
        add(&mut sensors, reading)?;
    }
    Ok(Protobuf(Averages { sensors: sensors.into_values().collect() }))
}

/// Adds a reading, by Welford's update of the mean, which loses nothing where a sum would.
fn add(sensors: &mut BTreeMap<String, Average>, reading: Reading) -> Result {
    let Reading { sensor, value } = reading;
    if !value.is_finite() {
        return Err(Error::data(format!("sensor {sensor:?} has read {value}, which is no number")));
    }
    let average = sensors.entry(sensor.clone()).or_insert_with(|| Average {
        sensor,
        count: 0,
        mean: 0.0,
        least: value,
        greatest: value,
    });
    average.count += 1;
    average.mean += (value - average.mean) / average.count as f64;
    average.least = average.least.min(value);
    average.greatest = average.greatest.max(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sensor_has_its_own_average() {
        let mut sensors = BTreeMap::new();
        for (sensor, value) in [("b", 1.0), ("a", -2.0), ("b", 4.0), ("b", 1.0)] {
            add(&mut sensors, Reading { sensor: sensor.into(), value }).expect("a number");
        }
        let averages: Vec<_> = sensors.into_values().collect();
        assert_eq!((averages[0].sensor.as_str(), averages[0].mean), ("a", -2.0));
        assert_eq!((averages[1].count, averages[1].mean), (3, 2.0));
        assert_eq!((averages[1].least, averages[1].greatest), (1.0, 4.0));
    }

    #[test]
    fn what_is_no_number_is_bad_input() {
        let reading = Reading { sensor: "a".into(), value: f64::NAN };
        assert_eq!(add(&mut BTreeMap::new(), reading).expect_err("no number").status(), 65);
    }
}
