//! What a cell is hashed as, the value that the loader makes of it is hashed as; and known digests.

use serde_json::{Value, json};

use super::canonical;
use super::check::{Check, Checks, Place};
use super::document::Column;
use super::form::{self, Form};
use super::given;
use super::source::{Refused, SourceColumn, SourceSums};
use super::sums::Sums;
use crate::plan::LoadColumn;
use crate::value::batch::OnInvalid;
use crate::value::native::Native;
use crate::value::{Cell, Decoder, Excess, Timezone};
use crate::verify::back::Meant;
use crate::verify::back::tests::{cells, columns, native, way_of};

/// The columns of the corpus, also with what may be rounded or cut off.
fn corpus() -> impl Iterator<Item = LoadColumn> {
    let with = |excess| columns().into_iter().map(move |column| LoadColumn { excess, ..column });
    [Excess::Error, Excess::Round, Excess::Truncate].into_iter().flat_map(with)
}

#[test]
fn a_cell_is_hashed_as_the_value_that_the_loader_makes_of_it() {
    let (mut wrong, mut seen) = (vec![], 0);
    for column in corpus() {
        let form = Form::of(&column.pg_type);
        for zone in ["UTC", "Europe/Zurich"] {
            let timezone = Timezone::parse(zone).unwrap();
            let decoder =
                Decoder::new(&column.pg_type, column.format, &timezone).with_words(column.words.clone());
            let way = way_of(&column, zone);
            for stored in cells() {
                let read = column.texts.read(stored);
                let cell = read.as_deref().map_or(stored, Cell::Text);
                let loaded =
                    decoder.decode(cell).ok().or_else(|| decoder.decode_without(cell, column.excess));
                let loaded = loaded.map(|decoded| native(&column.pg_type, decoded));
                let expected = loaded.as_ref().map(|value| canonical::of_native(form, value));
                way.with_meant(stored, |meant| {
                    let found = canonical::of_meant(form, &meant);
                    // What a type's own functions make of a text is not known here.
                    if matches!(meant, Meant::Printed(_)) || form == Form::Printed && meant == Meant::Unknown
                    {
                        return;
                    }
                    seen += 1;
                    if found != expected {
                        wrong.push(format!(
                            "{} {:?} {:?} {zone} {stored:?}: {meant:?}, loaded {loaded:?}",
                            column.pg_type, column.format, column.excess
                        ));
                    }
                });
            }
        }
    }
    assert!(seen > 50_000, "{seen}");
    assert!(
        wrong.is_empty(),
        "{} of {seen}:\n{}",
        wrong.len(),
        wrong.iter().take(40).cloned().collect::<Vec<_>>().join("\n")
    );
}

/// By `hashlib.sha256(b"…").hexdigest()[:32]`.
#[test]
fn digests_are_those_that_python_computes() {
    let digest = |form, value: Native<'_>| format!("{:032x}", canonical::of_native(form, &value).digest);
    let json = "{\"b\": [1.50, \"\u{e9}\\n\\u0001/\"], \"a\": null}";
    for (form, value, expected) in [
        (Form::Integer, Native::Null, "8ce86a6ae65d3692e7305e2c58ac62ee"),
        (Form::Integer, Native::Integer(-7), "f8c252dbf5fa49b47a5679f520dc79db"),
        (Form::Boolean, Native::Bool(true), "7dc96f776c8423e57a2785489a3f9c43"),
        (Form::Double, Native::Float(-0.0), "c12f5201a213e59beeca38c52fafd1cd"),
        (Form::Double, Native::Float(-f64::NAN), "776f385553e78a0829cb7c3aaf126030"),
        (Form::Numeric, Native::Printed("12.50".into()), "819f930a411b279b704cd129ed4fab74"),
        (Form::Numeric, Native::Printed("-0.00".into()), "820d5d8baf762ec66dcd56fed15c78bf"),
        (Form::Text, Native::Text("é ".into()), "c931b63f1571f900324766a17442468d"),
        (Form::Character, Native::Text("é ".into()), "7e6e466f7e9609ee611c6b9bd17f1d0e"),
        (Form::Bytea, Native::Bytes(vec![0, 255].into()), "f2d2155891173cd00326ee53efd7308f"),
        (Form::Date, Native::Date(-1), "fad4a133f3510cf60e772fd87694ec9a"),
        (Form::Date, Native::Date(i32::MAX), "1c19a3593aa8c376785d717bf8ff7d70"),
        (Form::Time, Native::Time(1), "33112ee14ee469c3eb52fe90322ec81d"),
        (Form::TimeTz, Native::Printed("10:00:00.5-05:30".into()), "f10101e1aa73ce34d3732117cbf8d2ad"),
        (Form::Timestamp, Native::Timestamp(0), "b84b6656f5970365064017dbefdf9f49"),
        (Form::TimestampTz, Native::TimestampTz(i64::MIN), "ad2c0c5bc9207bddb41e16c3bf634210"),
        (
            Form::Interval,
            Native::Printed("1 year -2 days +00:00:01".into()),
            "a6be6056992860461075d74c887d15dc",
        ),
        (Form::Uuid, Native::Uuid([7; 16]), "c9ff5503fdc64f293a051f2de199fa79"),
        (Form::Json, Native::Printed(json.into()), "303b1ac479c75eb3ead1d69ff3b444ba"),
        (Form::Printed, Native::Printed("(1,2)".into()), "80eacc75c245afe19e1a7fe09a5e8e8a"),
    ] {
        assert_eq!(digest(form, value.clone()), expected, "{form:?} {value:?}");
    }
}

/// Rows of an integer and a text.
fn pairs(rows: &[(i64, &str)]) -> Sums {
    let mut sums = Sums::new([Form::Integer, Form::Text]);
    for (number, text) in rows {
        sums.add(canonical::of_native(Form::Integer, &Native::Integer(*number)));
        sums.add(canonical::of_native(Form::Text, &Native::Text((*text).into())));
        sums.end_row();
    }
    sums
}

#[test]
fn sums_do_not_depend_on_the_order_of_rows_and_see_every_other_change() {
    let rows = [(1, "a"), (2, "b"), (2, "b"), (3, "")];
    let sums = pairs(&rows);
    assert_eq!(sums, pairs(&[rows[2], rows[3], rows[0], rows[1]]));
    // A pair that is lost, which XOR would not see.
    assert_ne!(sums.checksum, pairs(&[rows[0], rows[3]]).checksum);
    // Values that are in other rows are in the columns' sums as before.
    let exchanged = pairs(&[(1, "b"), (2, "a"), (2, "b"), (3, "")]);
    assert_eq!(sums.columns, exchanged.columns);
    assert_ne!(sums.checksum, exchanged.checksum);
    let [number, text] = &sums.columns[..] else { panic!("two columns") };
    assert_eq!((number.minimum(), number.maximum()), (Some("1".into()), Some("3".into())));
    assert_eq!((text.minimum(), text.maximum(), text.length), (Some("".into()), Some("b".into()), 3));
}

#[test]
fn extremes_are_shown_as_people_read_them() {
    let shown = |form, values: &[Native<'_>]| {
        let mut sums = Sums::new([form]);
        for value in values {
            sums.add(canonical::of_native(form, value));
            sums.end_row();
        }
        (sums.columns[0].minimum().unwrap_or_default(), sums.columns[0].maximum().unwrap_or_default())
    };
    let long = "\u{e4}".repeat(61);
    let moment = "2000-01-01 00:00:00.000001";
    for (form, values, least, greatest) in [
        (Form::Double, vec![Native::Float(0.0), Native::Float(-0.0)], "-0", "0"),
        (Form::Double, vec![Native::Float(1e21), Native::Float(f64::NAN)], "1000000000000000000000", "NaN"),
        (Form::Date, vec![Native::Date(0), Native::Date(i32::MAX)], "2000-01-01", "infinity"),
        (Form::Timestamp, vec![Native::Timestamp(1), Native::Null], moment, moment),
        (Form::Time, vec![Native::Time(500_000), Native::Time(86_399_000_000)], "00:00:00.5", "23:59:59"),
        (Form::Bytea, vec![Native::Bytes(vec![255].into()), Native::Bytes(vec![].into())], "", "ff"),
        (Form::Boolean, vec![Native::Bool(true), Native::Bool(false)], "false", "true"),
        (Form::Text, vec![Native::Text(long.as_str().into())], &long[..120], &long[..120]),
        (Form::Json, vec![Native::Printed("1".into())], "", ""),
    ] {
        assert_eq!(shown(form, &values), (least.to_owned(), greatest.to_owned()), "{form:?}");
    }
}

fn column(pg_type: &str, on_invalid: OnInvalid) -> SourceColumn {
    let mut column = columns().into_iter().find(|column| column.pg_type.to_string() == pg_type).unwrap();
    column.on_invalid = on_invalid;
    SourceColumn { way: way_of(&column, "UTC"), form: Form::of(&column.pg_type), texts: None, on_invalid }
}

#[test]
fn what_does_not_fit_is_left_out_or_null_or_counted() {
    let sums = |on_invalid| {
        let mut sums = SourceSums::new(vec![column("bigint", on_invalid), column("inet", on_invalid)]);
        let mut print = |_: usize, text: &str| if text == "?" { Err(Refused) } else { Ok(text.to_owned()) };
        let rows: [(Cell<'_>, &[u8]); 3] =
            [(Cell::Integer(1), b"10.0.0.1"), (Cell::Text(b"x"), b"10.0.0.2"), (Cell::Integer(3), b"?")];
        for (number, address) in rows {
            sums.add(|at| if at == 0 { number } else { Cell::Text(address) }, &mut print).unwrap();
        }
        sums
    };
    let rejected = sums(OnInvalid::Reject);
    assert_eq!((rejected.sums.rows, rejected.rejected), (1, 2));
    assert_eq!(rejected.cells[0].classes, [0, 1, 0, 0, 0]);
    let nulls = sums(OnInvalid::Null);
    assert_eq!((nulls.sums.rows, nulls.sums.columns[0].nulls, nulls.sums.columns[1].nulls), (3, 1, 1));
    let stops = sums(OnInvalid::Error);
    assert_eq!((stops.cells[0].invalid, stops.cells[1].invalid), (1, 1));
}

fn manifest() -> Value {
    json!({
        "format": 1, "tool": "pg_sqlite_migrate", "version": "0", "file": {}, "checksum": null,
        "tables": [{
            "source": "t", "schema": "public", "table": "t", "timezone": "UTC", "rows": 2, "rejected": 0,
            "checksum": format!("{:032x}", pairs(&[(1, "a"), (2, "b")]).checksum),
            "columns": [
                {"source": "n", "column": "n", "type": "bigint", "form": "integer", "reading": {}, "nulls": 0,
                 "minimum": "1", "maximum": "2", "length": 2, "checksum": "8ee985986ef59e29262de601d45b2159"},
                {"source": "v", "column": "v", "type": "text", "form": "text", "reading": {}, "unknown": 1},
            ],
        }],
    })
}

#[test]
fn a_manifest_that_is_none_is_an_error_with_its_path() {
    let with = |pointer: &str, value: Value| {
        let mut manifest = manifest();
        *manifest.pointer_mut(pointer).unwrap() = value;
        given::parse(&manifest).map(|_| ()).map_err(|error| error.to_string())
    };
    assert!(given::parse(&manifest()).is_ok());
    let count = "manifest.tables[0].rows: expected an integer from 0 to 18446744073709551615";
    for (pointer, value, message) in [
        ("", json!(null), "manifest: expected an object, not null"),
        ("", json!({}), "manifest: it has no key \"format\""),
        ("/format", json!(2), "manifest.format: unknown format, this version reads format 1"),
        ("/format", json!(1e300), "manifest.format: unknown format, this version reads format 1"),
        ("/tool", json!("x"), "manifest.tool: expected \"pg_sqlite_migrate\""),
        ("/tables", json!({}), "manifest.tables: expected a list"),
        ("/tables/0", json!([]), "manifest.tables[0]: expected an object, not a list"),
        ("/tables/0/rows", json!(-1), count),
        ("/tables/0/rows", json!(1.5), count),
        ("/tables/0/checksum", json!("0X"), "manifest.tables[0].checksum: expected 32 hexadecimal digits"),
        ("/tables/0/schema", json!(7), "manifest.tables[0].schema: expected a string, not a number"),
        ("/tables/0/columns/1", json!({"x": 1}), "manifest.tables[0].columns[1].x: unknown key"),
        (
            "/tables/0/columns/0/type",
            json!(null),
            "manifest.tables[0].columns[0].type: expected a string, it is missing",
        ),
    ] {
        assert_eq!(with(pointer, value), Err(message.to_owned()), "{pointer}");
    }
    let form = with("/tables/0/columns/0/form", json!("int")).unwrap_err();
    assert!(
        form.starts_with("manifest.tables[0].columns[0].form: unknown form \"int\", known are boolean,"),
        "{form}"
    );
}

#[test]
fn checks_say_what_is_wrong() {
    let given = given::parse(&manifest()).unwrap();
    let table = &given.tables[0];
    let check = |places: [Option<(&str, Form)>; 2], rows: &[(i64, &str)]| -> Vec<Check> {
        let mut checks = Checks::new("app", table);
        let place = |(name, form): (&str, Form)| Place { pg_type: name.into(), form };
        let read: Vec<_> = (table.columns.iter().zip(places))
            .filter(|(column, found)| checks.place(column, found.map(place).as_ref()))
            .map(|(column, _)| column)
            .collect();
        checks.sums(&read, &pairs(rows))
    };
    let places = [Some(("integer", Form::Integer)), Some(("character varying(9)", Form::Text))];
    let wrong = |checks: &[Check]| -> Vec<(Option<String>, &'static str)> {
        checks.iter().filter(|check| check.ok == Some(false)).map(|c| (c.column.clone(), c.check)).collect()
    };
    let same = check(places, &[(2, "b"), (1, "a")]);
    assert_eq!(wrong(&same), [], "{same:?}");
    assert!(same.iter().any(|check| check.column.as_deref() == Some("v") && check.ok.is_none()));
    let n = || Some("n".to_owned());
    assert_eq!(
        wrong(&check(places, &[(1, "a")])),
        [(None, "rows"), (n(), "maximum"), (n(), "length"), (n(), "checksum"), (None, "checksum")]
    );
    assert_eq!(wrong(&check(places, &[(1, "b"), (2, "a")])), [(None, "checksum")]);
    // Of a type that is only printed, the name counts.
    let own = |name: &str| Column { form: Form::Printed, pg_type: name.into(), ..table.columns[0].clone() };
    for (file, database, alike) in [
        ("public.mood", "app.mood", true),
        ("bit varying(5)", "bit varying(7)", true),
        ("numeric(4,1)[]", "numeric[]", true),
        ("numeric[]", "integer[]", false),
        ("inet", "cidr", false),
    ] {
        let place = Place { pg_type: database.into(), form: Form::Printed };
        assert_eq!(Checks::new("app", table).place(&own(file), Some(&place)), alike, "{file} {database}");
    }
    let other = check([None, Some(("bytea", Form::Bytea))], &[]);
    assert_eq!(wrong(&other)[..2], [(n(), "column"), (Some("v".into()), "type")]);
}

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

#[test]
fn the_page_has_the_table_of_forms() {
    let path = format!("{DOCS}/manifest.md");
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    let (begin, end) = ("<!-- begin forms: core/src/manifest/form.rs -->\n", "<!-- end forms -->\n");
    let (head, rest) = page.split_once(begin).expect("begin marker");
    let (table, tail) = rest.split_once(end).expect("end marker");
    let printed = form::markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() && table != printed {
        std::fs::write(path, format!("{head}{begin}{printed}{end}{tail}")).expect("docs/manifest.md");
        return;
    }
    assert_eq!(table, printed, "run the test with UPDATE_DOCS=1 to print the forms into the page");
}

#[test]
fn the_schema_knows_every_form_and_takes_a_manifest() {
    let schema = std::fs::read_to_string(format!("{DOCS}/manifest.schema.json")).expect("the schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let forms: Vec<Value> = Form::names().map(Value::from).collect();
    assert_eq!(schema.pointer("/$defs/column/properties/form/enum"), Some(&json!(forms)));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut manifest = manifest();
    manifest["file"] = json!({
        "encoding": "UTF-8", "page_size": 4096, "page_count": 1, "user_version": 0, "application_id": 0,
    });
    assert!(validator.is_valid(&manifest), "{:?}", validator.iter_errors(&manifest).collect::<Vec<_>>());
    manifest["tables"][0]["rows"] = json!("2");
    assert!(!validator.is_valid(&manifest));
}
