//! The SRID of each system of coordinates that the file names: settled once over the whole catalog, so that no two systems
//! get one number.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::target::{KnownSystem, Systems, Target};
use crate::catalog::Catalog;
use crate::value::geometry::declared::{HIGHEST_SRID, ORGANISATIONS, System};

/// The extension with the types.
pub const POSTGIS: &str = "postgis";

/// What `spatial_ref_sys` takes.
const LONGEST_DEFINITION: usize = 2048;
const LONGEST_ORGANISATION: usize = 256;

/// SRIDs for systems of the file's own whose number is another's in the database, or might be.
const SPARE: std::ops::Range<i32> = 900_000..901_000;

/// Where a system is in the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// The file leaves it undefined.
    #[default]
    Undefined,
    /// `spatial_ref_sys` has it, or will have it with the extension.
    Known,
    /// It does not have it, and takes the file's definition.
    New,
    /// It does not have it, and takes no definition of the file.
    Unknown,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    pub srid: i32,
    pub standing: Standing,
}

/// The places by the numbers that the file gives its systems.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<i32, Place>);

/// What makes two systems of a file's own the same.
type Identity<'a> = (String, i32, &'a str);

impl Places {
    pub fn of(catalog: &Catalog, target: &Target) -> Places {
        let columns = catalog.tables.iter().flat_map(|table| &table.columns);
        let systems = columns.filter_map(|column| column.geometries.as_ref()).map(|of| &*of.system);
        let systems: BTreeMap<i32, &System> = systems.map(|system| (system.id, system)).collect();
        let creatable = target.extensions.iter().any(|e| e.name == POSTGIS && !e.installed);
        let mut placing = Placing::new(target.systems.as_ref(), creatable);
        // Those whose numbers are settled come first, and then what the database has: the others make way for both.
        let (common, own): (Vec<&System>, Vec<&System>) =
            systems.into_values().partition(|system| placing.has_its_number(system));
        let common = common.into_iter().map(|system| (system.id, placing.common(system)));
        let mut places: BTreeMap<i32, Place> = common.collect();
        for system in own {
            places.insert(system.id, placing.own(system));
        }
        Places(places)
    }

    pub fn at(&self, system: &System) -> Place {
        self.0.get(&system.id).copied().unwrap_or_default()
    }
}

struct Placing<'a> {
    rows: Option<BTreeMap<i32, &'a KnownSystem>>,
    creatable: bool,
    /// SRIDs of the database and of this file.
    taken: BTreeSet<i32>,
    of_identity: HashMap<Identity<'a>, Place>,
}

impl<'a> Placing<'a> {
    fn new(systems: Option<&'a Systems>, creatable: bool) -> Placing<'a> {
        let rows = systems.map(|systems| systems.rows.as_slice());
        let mut of_identity = HashMap::new();
        for row in rows.unwrap_or_default() {
            let place = Place { srid: row.srid, standing: Standing::Known };
            of_identity.entry(identity(&row.organisation, row.code, &row.definition)).or_insert(place);
        }
        let taken = rows.unwrap_or_default().iter().map(|row| row.srid).collect();
        let rows = rows.map(|rows| rows.iter().map(|row| (row.srid, row)).collect());
        Placing { rows, creatable, taken, of_identity }
    }

    fn row(&self, srid: i32) -> Option<&'a KnownSystem> {
        self.rows.as_ref()?.get(&srid).copied()
    }

    /// Its code is an SRID of PostGIS's own, which is not another's in this database.
    fn has_its_number(&self, system: &System) -> bool {
        let is_it = |row: &KnownSystem| row.code == system.code && is_common(&row.organisation);
        system.id > 0 && system.is_common() && self.row(system.code).is_none_or(is_it)
    }

    /// ESRI's codes of EPSG's systems are EPSG's.
    fn common(&mut self, system: &System) -> Place {
        self.taken.insert(system.code);
        let standing = match (&self.rows, self.row(system.code)) {
            (None, _) | (Some(_), Some(_)) => Standing::Known,
            (Some(_), None) if fits(system) => Standing::New,
            (Some(_), None) => Standing::Unknown,
        };
        Place { srid: system.code, standing }
    }

    fn own(&mut self, system: &'a System) -> Place {
        if system.id <= 0 {
            return Place::default();
        }
        let identity = identity(&system.organisation, system.code, &system.definition);
        if let Some(place) = self.of_identity.get(&identity).filter(|_| !system.definition.is_empty()) {
            return *place;
        }
        let place = match self.number(system.id).filter(|_| fits(system)) {
            Some(srid) => Place { srid, standing: Standing::New },
            // A number that no row explains could be taken for another's.
            None => Place { srid: 0, standing: Standing::Unknown },
        };
        self.taken.insert(place.srid);
        self.of_identity.insert(identity, place);
        place
    }

    /// The file's number where it is known to be free.
    fn number(&self, id: i32) -> Option<i32> {
        if self.rows.is_none() && !self.creatable {
            return None;
        }
        let is_free = |srid: &i32| !self.taken.contains(srid);
        let kept = Some(id).filter(|srid| self.rows.is_some() && *srid <= HIGHEST_SRID && is_free(srid));
        kept.or_else(|| SPARE.into_iter().find(is_free))
    }
}

fn identity<'a>(organisation: &str, code: i32, definition: &'a str) -> Identity<'a> {
    (organisation.to_ascii_lowercase(), code, definition)
}

fn is_common(organisation: &str) -> bool {
    ORGANISATIONS.iter().any(|name| name.eq_ignore_ascii_case(organisation))
}

fn fits(system: &System) -> bool {
    !system.definition.is_empty()
        && system.definition.len() <= LONGEST_DEFINITION
        && system.proj4.len() <= LONGEST_DEFINITION
        && system.organisation.len() <= LONGEST_ORGANISATION
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Column, Table};
    use crate::plan::target::Extension;
    use crate::value::geometry::Container;
    use crate::value::geometry::declared::{Geometries, Presence};

    fn system(id: i32, organisation: &str, code: i32, definition: &str) -> System {
        System {
            id,
            organisation: organisation.into(),
            code,
            definition: definition.into(),
            proj4: String::new(),
        }
    }

    fn row(srid: i32, organisation: &str, code: i32, definition: &str) -> KnownSystem {
        KnownSystem { srid, organisation: organisation.into(), code, definition: definition.into() }
    }

    fn places(of: &[System], rows: Option<Vec<KnownSystem>>) -> Vec<(i32, Standing)> {
        let column = |system: &System| Column {
            geometries: Some(Box::new(Geometries {
                container: Container::GeoPackage,
                kind: None,
                z: Presence::No,
                m: Presence::No,
                system: system.clone().into(),
                indexed: false,
            })),
            ..Column::default()
        };
        let table = Table { columns: of.iter().map(column).collect(), ..Table::default() };
        let catalog = Catalog { tables: vec![table], ..Catalog::default() };
        let postgis = Extension { name: POSTGIS.into(), schema: None, installed: rows.is_some() };
        let systems = rows.map(|rows| Systems { rows, insertable: true });
        let target = Target { systems, extensions: vec![postgis], ..Target::default() };
        let places = Places::of(&catalog, &target);
        of.iter().map(|system| places.at(system)).map(|place| (place.srid, place.standing)).collect()
    }

    #[test]
    fn no_two_systems_get_one_srid() {
        let known = || row(27700, "EPSG", 27700, "theirs");
        let of = [
            system(27700, "NONE", 1, "own"),
            system(5, "EPSG", 27700, "theirs"),
            system(6, "NONE", 2, "other"),
            system(7, "EPSG", 5, "absent"),
            system(900_000, "NONE", 3, "third"),
        ];
        // By their numbers in the file: 6, 27700 and 900,000 look for a place one after the other.
        let found = places(&of, Some(vec![known(), row(6, "X", 6, "x")]));
        let (new, there) = (Standing::New, Standing::Known);
        assert_eq!(found, [(900_001, new), (27700, there), (900_000, new), (5, new), (900_002, new)]);
    }

    #[test]
    fn a_row_of_the_same_system_is_its_place() {
        let rows = vec![row(5, "none", 1, "own"), row(900_000, "NONE", 1, "another")];
        let of =
            [system(900_000, "NONE", 1, "own"), system(6, "NONE", 1, "own"), system(7, "NONE", 1, "new")];
        let (new, there) = (Standing::New, Standing::Known);
        assert_eq!(places(&of, Some(rows)), [(5, there), (5, there), (7, new)]);
    }

    #[test]
    fn numbers_of_a_file_are_not_taken_for_those_of_a_postgis_that_is_to_come() {
        let of =
            [system(32633, "NONE", 1, "own"), system(1, "EPSG", 32633, ""), system(2, "ESRI", 32633, "")];
        let (new, there) = (Standing::New, Standing::Known);
        assert_eq!(places(&of, None), [(900_000, new), (32633, there), (32633, there)]);
    }

    #[test]
    fn what_is_undefined_or_too_high() {
        let long = "x".repeat(2049);
        let of = [
            system(0, "NONE", 0, ""),
            system(1, "NONE", 1, ""),
            system(2, "NONE", 2, &long),
            system(HIGHEST_SRID + 1, "NONE", 3, "own"),
            system(4, "EPSG", HIGHEST_SRID + 1, "own"),
            system(5, "EPSG", 4326, ""),
        ];
        let (new, unknown) = (Standing::New, Standing::Unknown);
        let found = places(&of, Some(vec![]));
        let nothing = (0, Standing::Undefined);
        assert_eq!(found, [nothing, (0, unknown), (0, unknown), (900_000, new), (4, new), (4326, unknown)]);
    }

    #[test]
    fn another_system_in_the_place_of_a_common_one() {
        let of = [system(4326, "EPSG", 4326, "WGS 84")];
        let rows = vec![row(4326, "SOMEBODY", 4326, "other")];
        assert_eq!(places(&of, Some(rows)), [(900_000, Standing::New)]);
    }
}
