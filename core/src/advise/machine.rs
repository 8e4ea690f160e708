//! How much memory a machine has, from the texts of Linux's files. Pure.

/// `MemTotal` of `/proc/meminfo`, in bytes.
pub fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// A limit of a control group: a number of bytes, `max`, or so large a number that it is none.
pub fn limit(text: &str) -> Option<u64> {
    let bytes: u64 = text.trim().parse().ok()?;
    (bytes < 1 << 60).then_some(bytes)
}

/// The control groups of a process, from `/proc/self/cgroup`: paths below the mount of version 2, and below that of version
/// 1's memory controller. Those above limit as well.
pub fn groups(cgroup: &str) -> (Vec<String>, Vec<String>) {
    let (mut two, mut one) = (vec![], vec![]);
    for line in cgroup.lines() {
        match line.splitn(3, ':').collect::<Vec<_>>().as_slice() {
            ["0", "", path] => two = with_those_above(path),
            [_, controllers, path] if controllers.split(',').any(|c| c == "memory") => {
                one = with_those_above(path);
            }
            _ => {}
        }
    }
    (two, one)
}

/// `/a/b`, `/a`, and the mount itself.
fn with_those_above(path: &str) -> Vec<String> {
    let mut paths = vec![];
    let mut rest = path.trim_end_matches('/');
    while !rest.is_empty() {
        paths.push(rest.to_owned());
        rest = rest.rsplit_once('/').map_or("", |(above, _)| above);
    }
    paths.push(String::new());
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_s_files_are_read() {
        assert_eq!(total("MemTotal:       24000000 kB\nMemFree: 1 kB\n"), Some(24_576_000_000));
        assert_eq!(total("nothing"), None);
        assert_eq!((limit("max\n"), limit("1073741824\n")), (None, Some(1 << 30)));
        assert_eq!(limit("9223372036854771712"), None);
        let (two, one) =
            groups("12:cpu,memory:/docker/x\n0::/system.slice/postgresql.service\n1:name=systemd:/y");
        assert_eq!(two, ["/system.slice/postgresql.service", "/system.slice", ""]);
        assert_eq!(one, ["/docker/x", "/docker", ""]);
        assert_eq!(groups("0::/").0, [""]);
    }
}
