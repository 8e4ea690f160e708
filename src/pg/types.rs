//! Type names as the server knows them.

use std::sync::LazyLock;

use pgrx::pg_sys;

use super::settings::{LocalSettings, Reads};
use super::{encoding, rights, spi, xact};
use pg_sqlite_migrate_core::value::PgType;

/// The type that a name means under the caller's search path, with a name that is valid under any search path: `citext`
/// -> `public.citext`, `int8` -> `bigint`. Raises the server's error for an unknown type.
pub fn canonical(name: &str) -> Option<String> {
    let (oid, typmod) = parse(name)?;
    let _path = LocalSettings::safe_search_path();
    Some(format_type(oid, typmod))
}

/// The untrusted owner of a type that was named without a schema: its code (a domain's checks, the input function)
/// should not run with the caller's rights. Superusers are trusted: they own extensions' types.
pub fn untrusted_owner(name: &str) -> Option<String> {
    static OWNER: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT r.rolname
             FROM pg_type t JOIN pg_type e ON e.oid = COALESCE(NULLIF(t.typelem, 0), t.oid)
             JOIN pg_roles r ON r.oid = e.typowner
             WHERE t.oid = $1 AND NOT {}",
            rights::harmless("r.oid")
        )
    });
    let (oid, _) = if has_schema(name) { return None } else { parse(name)? };
    spi::value(OWNER.as_str(), &[oid.into()])
}

/// A dot outside of quotes and of the type's modifier.
fn has_schema(name: &str) -> bool {
    let (mut quoted, mut dots) = (false, 0);
    for c in name.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => break,
            '.' if !quoted => dots += 1,
            _ => {}
        }
    }
    dots > 0
}

/// The type of a name and its modifier, if the server has it.
pub fn find(name: &str) -> Option<(pg_sys::Oid, i32)> {
    let _path = LocalSettings::safe_search_path();
    xact::attempt(|| -> Result<_, ()> { Ok(parse(name)) }).ok()?.ok()?
}

fn parse(name: &str) -> Option<(pg_sys::Oid, i32)> {
    let name = encoding::to_server(name).ok()?;
    // SAFETY: a NUL-terminated string; errors are raised as usual.
    Some(unsafe { super::compat::parse_type_string(name.as_ptr()) })
}

/// `format_type(oid, typmod)`.
pub fn format_type(oid: pg_sys::Oid, typmod: i32) -> String {
    // SAFETY: returns a palloc'd, NUL-terminated string for any input ("???" if the type is gone).
    unsafe { encoding::from_server(pg_sys::format_type_with_typemod(oid, typmod)) }
}

/// The type as the catalog has it, named so that it reads the same under any search path.
pub fn of(oid: pg_sys::Oid, typmod: i32) -> PgType {
    let name = || format_type_qualified(oid, typmod);
    if is_domain(oid) {
        let (base, typmod) = base_type(oid, typmod);
        return PgType::Domain { name: name(), base: Box::new(of(base, typmod)) };
    }
    // Arrays inside, but not in their spelling.
    let listed = matches!(oid, pg_sys::INT2VECTOROID | pg_sys::OIDVECTOROID);
    // SAFETY: a syscache look-up.
    let element = unsafe { pg_sys::get_element_type(oid) };
    if element != pg_sys::InvalidOid && !listed {
        let of_elements = of(element, typmod);
        return match of_elements.base() {
            PgType::Other(name) if name == "box" => PgType::Other("box[]".into()),
            _ if delimiter(element) != b',' => PgType::UserDefined(name()),
            _ => PgType::Array(Box::new(of_elements)),
        };
    }
    // SAFETY: syscache look-ups; each raises an error for a type that is gone.
    unsafe {
        match pg_sys::get_typtype(oid) as u8 {
            pg_sys::TYPTYPE_RANGE => {
                PgType::Range { name: name(), of: Box::new(of(pg_sys::get_range_subtype(oid), -1)) }
            }
            pg_sys::TYPTYPE_MULTIRANGE => {
                let range = pg_sys::get_multirange_range(oid);
                PgType::Multirange { name: name(), of: Box::new(of(pg_sys::get_range_subtype(range), -1)) }
            }
            pg_sys::TYPTYPE_COMPOSITE => PgType::Row { name: name(), fields: fields(oid) },
            _ if is_builtin(oid) => PgType::parse(&format_type(oid, typmod)),
            _ if is_pgvector(oid) => PgType::Vector(name()),
            _ => PgType::UserDefined(name()),
        }
    }
}

/// The type by whose rules values of this type are decoded, for [`pg_sqlite_migrate_core::value::PgType::parse`]: a domain's is its
/// base's, an array's `ELEMENT[]` or `any[]`, a range's `range(SUBTYPE)`, a composite's `row(FIELD,…)`, pgvector's
/// types' `vector`. Empty for a type that only its input function knows: a user's type may have any name, `uuid` too.
/// Assumes a safe search path.
pub fn decoded_as(oid: pg_sys::Oid, typmod: i32) -> String {
    let (oid, typmod) = base_type(oid, typmod);
    // Stored as arrays, but their text is not an array's.
    let listed = matches!(oid, pg_sys::INT2VECTOROID | pg_sys::OIDVECTOROID);
    // SAFETY: a syscache look-up.
    let element = unsafe { pg_sys::get_element_type(oid) };
    if element != pg_sys::InvalidOid && !listed {
        return array_of(element, typmod);
    }
    // SAFETY: syscache look-ups; each raises an error for a type that is gone.
    unsafe {
        match pg_sys::get_typtype(oid) as u8 {
            pg_sys::TYPTYPE_RANGE => format!("range({})", decoded_as(pg_sys::get_range_subtype(oid), -1)),
            pg_sys::TYPTYPE_MULTIRANGE => {
                format!("multi{}", decoded_as(pg_sys::get_multirange_range(oid), -1))
            }
            pg_sys::TYPTYPE_COMPOSITE => {
                let fields: Vec<String> = descriptor(oid)
                    .iter()
                    .filter(|f| !f.attisdropped)
                    .map(|f| decoded_as(f.atttypid, f.atttypmod))
                    .collect();
                format!("row({})", fields.join(","))
            }
            _ if is_builtin(oid) => format_type(oid, typmod),
            _ if is_pgvector(oid) => "vector".into(),
            _ => String::new(),
        }
    }
}

/// The types of a composite's fields.
fn fields(composite: pg_sys::Oid) -> Vec<PgType> {
    descriptor(composite).iter().filter(|f| !f.attisdropped).map(|f| of(f.atttypid, f.atttypmod)).collect()
}

fn descriptor(composite: pg_sys::Oid) -> pgrx::PgTupleDesc<'static> {
    // SAFETY: a copy in the current memory context, which nobody counts references to.
    unsafe { pgrx::PgTupleDesc::from_pg_unchecked(pg_sys::lookup_rowtype_tupdesc_copy(composite, -1)) }
}

/// Which settings the type's input and output functions depend on.
pub fn reads(oid: pg_sys::Oid) -> Reads {
    // Types that Rust converts, to texts that no setting affects. Compared by oid, without a catalog lookup: every scan
    // calls this for each of its columns.
    let plain = matches!(
        oid,
        pg_sys::BOOLOID
            | pg_sys::BPCHAROID
            | pg_sys::BYTEAOID
            | pg_sys::DATEOID
            | pg_sys::FLOAT4OID
            | pg_sys::FLOAT8OID
            | pg_sys::INT2OID
            | pg_sys::INT4OID
            | pg_sys::INT8OID
            | pg_sys::JSONBOID
            | pg_sys::JSONOID
            | pg_sys::NUMERICOID
            | pg_sys::TEXTOID
            | pg_sys::TIMEOID
            | pg_sys::TIMESTAMPOID
            | pg_sys::TIMESTAMPTZOID
            | pg_sys::TIMETZOID
            | pg_sys::UUIDOID
            | pg_sys::VARCHAROID
    );
    // SAFETY: a syscache look-up.
    if plain || unsafe { pg_sys::get_typtype(oid) } as u8 == pg_sys::TYPTYPE_ENUM {
        return Reads::Nothing;
    }
    let _path = LocalSettings::safe_search_path();
    if of(oid, -1).reads_rare_settings() { Reads::Everything } else { Reads::Styles }
}

/// The type of a name, as the catalog has it. Raises the server's own error for an unknown type.
pub fn named(name: &PgType) -> PgType {
    parse(&name.to_string()).map_or_else(|| name.clone(), |(oid, typmod)| of(oid, typmod))
}

/// The type below all domains, with its modifier.
pub fn base_type(oid: pg_sys::Oid, mut typmod: i32) -> (pg_sys::Oid, i32) {
    // SAFETY: a syscache look-up; the modifier is local.
    let base = unsafe { pg_sys::getBaseTypeAndTypmod(oid, &mut typmod) };
    (base, typmod)
}

/// The type, or the one below its domains, is an enum.
pub fn is_enum(oid: pg_sys::Oid) -> bool {
    // SAFETY: syscache look-ups.
    unsafe { pg_sys::get_typtype(pg_sys::getBaseType(oid)) as u8 == pg_sys::TYPTYPE_ENUM }
}

pub fn is_domain(oid: pg_sys::Oid) -> bool {
    // SAFETY: a syscache look-up.
    unsafe { pg_sys::getBaseType(oid) != oid }
}

fn array_of(element: pg_sys::Oid, typmod: i32) -> String {
    let decoded = decoded_as(element, typmod);
    match decoded.as_str() {
        "box" => "box[]".into(),
        _ if delimiter(element) != b',' => String::new(),
        "" => "any[]".into(),
        builtin => format!("{builtin}[]"),
    }
}

/// What separates the elements in the literal of an array.
fn delimiter(element: pg_sys::Oid) -> u8 {
    let (mut length, mut by_value, mut align, mut delimiter) = (0, false, 0, 0);
    let (mut io_param, mut function) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
    // SAFETY: a syscache look-up; all results are local.
    unsafe {
        pg_sys::get_type_io_data(
            element,
            pg_sys::IOFuncSelector::IOFunc_input,
            &mut length,
            &mut by_value,
            &mut align,
            &mut delimiter,
            &mut io_param,
            &mut function,
        );
    }
    delimiter as u8
}

fn is_builtin(oid: pg_sys::Oid) -> bool {
    oid.to_u32() < pg_sys::FirstNormalObjectId
}

/// Whether this is one of pgvector's float types; recognised by its extension, since any type may have that name.
fn is_pgvector(oid: pg_sys::Oid) -> bool {
    // SAFETY: catalog look-ups; the name is palloc'd and NUL-terminated, or null where there is no extension.
    let extension = unsafe {
        let name = pg_sys::get_extension_name(pg_sys::getExtensionOfObject(pg_sys::TypeRelationId, oid));
        if name.is_null() { String::new() } else { encoding::from_server(name) }
    };
    let name = format_type(oid, -1);
    extension == "vector" && matches!(name.rsplit('.').next(), Some("vector" | "halfvec"))
}

/// As [`format_type`] prints it under a safe search path: the server's own types bare, others with their schema.
/// Cheaper than setting one.
pub fn format_type_qualified(oid: pg_sys::Oid, typmod: i32) -> String {
    // SAFETY: reads a backend-local variable.
    if unsafe { pg_sys::quote_all_identifiers } {
        let _path = LocalSettings::safe_search_path();
        return format_type(oid, typmod);
    }
    let flags = pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_ALLOW_INVALID;
    let flags = (flags | pg_sys::FORMAT_TYPE_FORCE_QUALIFY) as pg_sys::bits16;
    // SAFETY: returns a palloc'd, NUL-terminated string for any input.
    let printed = unsafe { encoding::from_server(pg_sys::format_type_extended(oid, typmod, flags)) };
    printed.strip_prefix("pg_catalog.").map(str::to_string).unwrap_or(printed)
}

/// The type as SQL names it under every search path.
pub fn name_everywhere(oid: pg_sys::Oid, typmod: i32) -> String {
    let _plain = LocalSettings::of("quote_all_identifiers", "off");
    let flags = pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_ALLOW_INVALID;
    let flags = (flags | pg_sys::FORMAT_TYPE_FORCE_QUALIFY) as pg_sys::bits16;
    // SAFETY: returns a palloc'd, NUL-terminated string for any input.
    unsafe { encoding::from_server(pg_sys::format_type_extended(oid, typmod, flags)) }
}

#[cfg(test)]
mod tests {
    use super::has_schema;

    #[test]
    fn a_name_has_a_schema_or_not() {
        for (name, expected) in [
            ("citext", false),
            ("public.citext", true),
            ("\"a.b\"", false),
            ("x.\"a.b\"[]", true),
            ("numeric(1,2)", false),
            ("t('a.b')", false),
        ] {
            assert_eq!(has_schema(name), expected, "{name}");
        }
    }
}
