//! Django: times are texts in UTC, or in the time zone of the settings without `USE_TZ`.

use super::names::Names;
use super::signs::Sign;
use super::{Conventions, Integers, Orm};

pub const ORM: Orm = Orm {
    name: "django",
    title: "Django",
    signs: &[Sign::Tool("Django"), Sign::Tables(&["django_content_type"])],
    conventions: Conventions {
        open: &[("BIGINT", "bigint, or an interval (DurationField)"), ("DECIMAL", "numeric with its digits")],
        types: &[
            ("DATETIME", &["timestamp with time zone"]),
            ("SMALLINT", &["smallint"]),
            ("SMALLINT UNSIGNED", &["smallint"]),
            ("CHAR(39)", &["inet"]),
        ],
        integers: Integers::Narrow,
        pads_decimals: true,
        keys_of_either_width: true,
        names: Names::Django,
        ..Conventions::NONE
    },
};
