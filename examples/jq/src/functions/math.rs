//! Mathematics on doubles.

use alloc::boxed::Box;

use jaq_core::Error;
use jaq_core::native::{bome, v};
use jaq_json::Val;
use jaq_std::ValT as _;

use super::Native;

/// A function of one number, by its name in C and in `libm`.
macro_rules! of_one {
    ($name:ident) => {
        (stringify!($name), v(0), |cv| bome(double(&cv.1).map(|x| Val::from(libm::$name(x)))))
    };
}

/// A function of two numbers.
macro_rules! of_two {
    ($name:ident) => {
        (stringify!($name), v(2), |mut cv| {
            let second = cv.0.pop_var();
            let first = cv.0.pop_var();
            bome(double(&first).and_then(|x| Ok(Val::from(libm::$name(x, double(&second)?)))))
        })
    };
}

pub fn natives() -> Box<[Native]> {
    Box::new([
        of_one!(acos),
        of_one!(acosh),
        of_one!(asin),
        of_one!(asinh),
        of_one!(atan),
        of_one!(atanh),
        of_one!(cbrt),
        of_one!(cos),
        of_one!(cosh),
        of_one!(exp),
        of_one!(exp10),
        of_one!(exp2),
        of_one!(expm1),
        of_one!(fabs),
        of_one!(log),
        of_one!(log10),
        of_one!(log1p),
        of_one!(log2),
        of_one!(rint),
        of_one!(sin),
        of_one!(sinh),
        of_one!(sqrt),
        of_one!(tan),
        of_one!(tanh),
        of_one!(trunc),
        of_two!(atan2),
        of_two!(copysign),
        of_two!(fmax),
        of_two!(fmin),
        of_two!(fmod),
        of_two!(pow),
    ])
}

fn double(value: &Val) -> Result<f64, Error<Val>> {
    value.as_f64().ok_or_else(|| Error::str(alloc::format!("{value} number required")))
}
