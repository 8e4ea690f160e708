//! Advice about the server's settings: each against a number of this machine or of this data.

use super::facts::{Server, Setting};
use super::{Advice, Subject};
use crate::assess::bytes;
use crate::finding::counted;
use crate::sqltext::literal;

const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;

pub(super) fn advise(server: &Server) -> Vec<Advice> {
    let rules: [fn(&Server) -> Option<Advice>; 8] = [
        shared_buffers,
        effective_cache_size,
        maintenance_work_mem,
        work_mem,
        max_wal_size,
        random_page_cost,
        statements,
        backup,
    ];
    rules.iter().filter_map(|rule| rule(server)).collect()
}

/// A quarter of the memory, but no more than the data needs; half of that is near enough.
fn shared_buffers(server: &Server) -> Option<Advice> {
    let now = server.bytes("shared_buffers")?;
    let memory = server.memory?;
    let wanted = (memory / 4).min(server.data + server.data / 4);
    if now >= wanted / 2 {
        return None;
    }
    let reason = format!(
        "it is {}; the machine has {}, and the data are {}",
        bytes(now as f64),
        bytes(memory as f64),
        bytes(server.data as f64)
    );
    server.size("shared_buffers", wanted, 1, "keep more of the data in the server's own cache", reason)
}

/// What the planner takes for cached.
fn effective_cache_size(server: &Server) -> Option<Advice> {
    let now = server.bytes("effective_cache_size")?;
    let memory = server.memory?;
    let wanted = memory / 4 * 3;
    // It matters where data are larger than what the planner takes for cached.
    if (now >= wanted / 2 && now <= memory) || (now < wanted && server.data <= now) {
        return None;
    }
    let reason = format!(
        "it is {}; the machine has {}, and the data are {}",
        bytes(now as f64),
        bytes(memory as f64),
        bytes(server.data as f64)
    );
    server.size("effective_cache_size", wanted, 2, "tell the planner how much the system caches", reason)
}

fn maintenance_work_mem(server: &Server) -> Option<Advice> {
    let now = server.bytes("maintenance_work_mem")?;
    let (index, size) = server.largest_index.as_ref()?;
    let wanted = (server.memory? / 16).min(GB).min(size.next_multiple_of(MB));
    if *size <= now || wanted < now.saturating_mul(2) {
        return None;
    }
    let reason = format!(
        "it is {}; index {index} has {}, and is sorted on disk when it is built",
        bytes(now as f64),
        bytes(*size as f64)
    );
    server.size("maintenance_work_mem", wanted, 2, "let indexes be built in memory", reason)
}

fn work_mem(server: &Server) -> Option<Advice> {
    let now = server.bytes("work_mem")?;
    let (files, size) = server.temporary;
    let connections: u64 = server.settings.get("max_connections")?.value.parse().ok()?;
    let mean = size.checked_div(files)?;
    // A quarter of the memory if every connection sorts at once.
    let wanted = (server.memory? / 4 / connections.max(1)).min(mean.saturating_mul(2)).min(GB);
    if wanted < now.saturating_mul(2) {
        return None;
    }
    let reason = format!(
        "it is {}; {} of {} in all were written since the statistics were reset",
        bytes(now as f64),
        counted(files, "temporary file", "temporary files"),
        bytes(size as f64)
    );
    server.size("work_mem", wanted, 2, "sort and hash in memory", reason)
}

fn max_wal_size(server: &Server) -> Option<Advice> {
    let now = server.bytes("max_wal_size")?;
    let (timed, requested) = (server.checkpoints_timed, server.checkpoints_requested);
    // A few are asked for by name, at a start or a backup.
    if requested < 10 || requested <= timed {
        return None;
    }
    let wanted = now.saturating_mul(4).min(16 * GB);
    if wanted <= now {
        return None;
    }
    let reason = format!(
        "it is {}; {requested} of {} checkpoints were made before their time",
        bytes(now as f64),
        requested + timed
    );
    server.size("max_wal_size", wanted, 2, "make fewer checkpoints while much is written", reason)
}

fn random_page_cost(server: &Server) -> Option<Advice> {
    let setting = server.settings.get("random_page_cost")?;
    let now: f64 = setting.value.parse().ok()?;
    if server.rotational? || now < 2.0 {
        return None;
    }
    let reason = format!(
        "it is {now}; the data directory's disk does not turn, so that a random page costs little more than the next one"
    );
    Some(server.set("random_page_cost", "1.1", 2, "let the planner use indexes on fast storage", reason))
}

/// Without the library nothing is recorded; without the extension nothing is shown.
fn statements(server: &Server) -> Option<Advice> {
    const NAME: &str = "pg_stat_statements";
    let preloaded = &server.settings.get("shared_preload_libraries")?.value;
    let libraries: Vec<&str> = preloaded
        .split(',')
        .map(|name| name.trim().trim_matches('"'))
        .filter(|name| !name.is_empty())
        .collect();
    let advice =
        "record which statements take the time: the application's queries are new to this server".to_owned();
    if !libraries.contains(&NAME) {
        let all: Vec<String> = libraries.iter().chain([&NAME]).map(|name| literal(name)).collect();
        let reason = match libraries.as_slice() {
            [] => "no library is loaded that does".to_owned(),
            some => format!("only {} is loaded", some.join(", ")),
        };
        return server.statements_available.then(|| Advice {
            subject: Subject::Statistics,
            ..server.set_to("shared_preload_libraries", &all.join(", "), 3, &advice, reason)
        });
    }
    (server.statements_available && !server.statements_created).then(|| Advice {
        priority: 3,
        subject: Subject::Statistics,
        object: NAME.into(),
        advice,
        reason: "its library is loaded, and the database does not have the extension".into(),
        statement: Some(format!("CREATE EXTENSION {NAME}")),
    })
}

fn backup(server: &Server) -> Option<Advice> {
    let archive = &server.settings.get("archive_mode")?.value;
    if archive != "off" || server.replication_slots > 0 {
        return None;
    }
    Some(Advice {
        priority: 1,
        subject: Subject::Backup,
        object: "cluster".into(),
        advice: "make a base backup or a dump now, and archive the WAL".into(),
        reason: format!(
            "archive_mode is off and there is no replication slot: {} of this run are on this server only",
            counted(server.rows, "row", "rows")
        ),
        statement: None,
    })
}

impl Server {
    fn bytes(&self, name: &str) -> Option<u64> {
        self.settings.get(name).and_then(Setting::bytes)
    }

    fn size(&self, name: &str, wanted: u64, priority: u8, advice: &str, reason: String) -> Option<Advice> {
        let size = match wanted {
            ..MB => return None,
            size if size % GB == 0 => format!("{}GB", size / GB),
            size => format!("{}MB", size / MB),
        };
        Some(self.set(name, &size, priority, advice, reason))
    }

    fn set(&self, name: &str, value: &str, priority: u8, advice: &str, reason: String) -> Advice {
        self.set_to(name, &literal(value), priority, advice, reason)
    }

    /// `value` is SQL.
    fn set_to(&self, name: &str, value: &str, priority: u8, advice: &str, reason: String) -> Advice {
        let restart = self.settings.get(name).is_some_and(|setting| setting.context == "postmaster");
        let then = if restart { "needs a restart" } else { "then pg_reload_conf()" };
        Advice {
            priority,
            subject: Subject::Setting,
            object: name.to_owned(),
            advice: format!("{advice} ({then})"),
            reason,
            statement: Some(format!("ALTER SYSTEM SET {name} = {value}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(settings: &[(&str, &str, &str, &str)]) -> Server {
        let setting = |(name, value, unit, context): &(&str, &str, &str, &str)| {
            let unit = Some((*unit).to_owned()).filter(|unit| !unit.is_empty());
            ((*name).to_owned(), Setting { value: (*value).into(), unit, context: (*context).into() })
        };
        let settings = settings.iter().map(setting).collect();
        Server { settings, memory: Some(16 * GB), data: 100 * GB, ..Server::default() }
    }

    fn statements(server: &Server) -> Vec<String> {
        advise(server).into_iter().filter_map(|advice| advice.statement).collect()
    }

    #[test]
    fn memory_is_set_by_what_the_machine_and_the_data_have() {
        let small = [
            ("shared_buffers", "16384", "8kB", "postmaster"),
            ("effective_cache_size", "524288", "8kB", "user"),
            ("random_page_cost", "4", "", "user"),
        ];
        let mut large = server(&small);
        large.rotational = Some(false);
        assert_eq!(
            statements(&large),
            [
                "ALTER SYSTEM SET shared_buffers = '4GB'",
                "ALTER SYSTEM SET effective_cache_size = '12GB'",
                "ALTER SYSTEM SET random_page_cost = '1.1'"
            ]
        );
        let first = advise(&large).remove(0);
        assert_eq!(first.reason, "it is 128 MB; the machine has 16.0 GB, and the data are 100 GB");
        assert!(first.advice.ends_with("(needs a restart)"));
        // Data that fit need nothing; nor does a machine of which nothing is known, nor a disk that turns.
        let fits = Server { data: 100 * MB, rotational: Some(true), ..large.clone() };
        assert_eq!(advise(&fits), []);
        assert_eq!(advise(&Server { memory: None, rotational: None, ..large.clone() }), []);
        // Half of what is wanted is near enough.
        let mut enough = large;
        enough.rotational = None;
        for (name, value) in [("shared_buffers", "262144"), ("effective_cache_size", "786432")] {
            enough.settings.get_mut(name).unwrap().value = value.into();
        }
        assert_eq!(advise(&enough), []);
    }

    #[test]
    fn what_was_counted_is_the_reason() {
        let mut busy = server(&[
            ("work_mem", "4096", "kB", "user"),
            ("maintenance_work_mem", "65536", "kB", "user"),
            ("max_connections", "100", "", "postmaster"),
            ("max_wal_size", "1024", "MB", "sighup"),
        ]);
        assert_eq!(advise(&busy), []);
        busy.temporary = (10, 100 * MB);
        busy.largest_index = Some(("public.i".into(), 300 * MB));
        (busy.checkpoints_timed, busy.checkpoints_requested) = (4, 26);
        assert_eq!(
            statements(&busy),
            [
                "ALTER SYSTEM SET maintenance_work_mem = '300MB'",
                "ALTER SYSTEM SET work_mem = '20MB'",
                "ALTER SYSTEM SET max_wal_size = '4GB'"
            ]
        );
        (busy.checkpoints_timed, busy.checkpoints_requested) = (26, 26);
        busy.largest_index = Some(("public.i".into(), 60 * MB));
        busy.temporary = (10, MB);
        assert_eq!(advise(&busy), []);
    }

    #[test]
    fn libraries_are_added_to_those_that_are_loaded() {
        let mut server = server(&[("shared_preload_libraries", "auto_explain, \"a b\"", "", "postmaster")]);
        assert_eq!(advise(&server), []);
        server.statements_available = true;
        let all = "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'a b', 'pg_stat_statements'";
        assert_eq!(statements(&server), [all]);
        server.settings.get_mut("shared_preload_libraries").unwrap().value = "pg_stat_statements".into();
        assert_eq!(statements(&server), ["CREATE EXTENSION pg_stat_statements"]);
        server.statements_created = true;
        assert_eq!(advise(&server), []);
    }

    #[test]
    fn a_backup_is_advised_where_nothing_keeps_the_data_elsewhere() {
        let mut server = server(&[("archive_mode", "off", "", "postmaster")]);
        server.rows = 7;
        let [advice] = advise(&server).try_into().unwrap();
        assert_eq!((advice.statement, advice.priority), (None, 1));
        assert!(advice.reason.ends_with("7 rows of this run are on this server only"), "{}", advice.reason);
        assert_eq!(advise(&Server { replication_slots: 1, ..server }), []);
    }
}
