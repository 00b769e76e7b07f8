//! `extends` of compose: a service that begins as another one. Owns what of both holds; follows files
//! in the folder of the compose file alone.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::super::findings::{MOST_ENVIRONMENTS, MOST_SERVICES, Said};
use super::super::foreign::{self, Value, shown};
use super::super::names::shortened;

/// Most services of one file that are looked at: each that a starter takes, in each environment.
const MOST: usize = MOST_ENVIRONMENTS * MOST_SERVICES;
/// Most files that services begin in; people have one or two.
const MOST_FILES: usize = 16;
/// Most bytes of memory that all services together may have for what they begin as: a few times what
/// the largest file has, in which one service may begin.
const MOST_BYTES: usize = 32 << 20;
/// Services that begin as services that begin as services; compose has no bound of its own.
const MOST_STEPS: usize = 8;
/// Keys whose lists are put behind one another; other lists replace each other
/// (<https://docs.docker.com/reference/compose-file/services/#extends>).
const ADDED: [&str; 6] = ["expose", "ports", "dns", "dns_search", "tmpfs", "env_file"];
/// Keys that are a list of `NAME=value` or a map of the same.
const PAIRS: [&str; 3] = ["environment", "labels", "annotations"];

/// Every service of `root` with what it extends, in the order of the file; 800 at the most.
pub(super) fn services(root: &Value, folder: &Path, said: &mut Said) -> Vec<(String, Value)> {
    let mut read = |path: &Path| {
        foreign::value(path).map_err(|error| {
            error.trouble().cause.clone().unwrap_or_else(|| "it cannot be read".to_owned())
        })
    };
    let files = BTreeMap::new();
    let mut extending = Extending { read: &mut read, files, left: MOST_BYTES, said };
    extending.services(root, folder)
}

/// Reads a file, or says why not.
type Read<'a> = &'a mut dyn FnMut(&Path) -> Result<Value, String>;

/// What is known while the services of one file are put together.
struct Extending<'a> {
    read: Read<'a>,
    /// Files that services begin in, by their paths; each is read once.
    files: BTreeMap<PathBuf, Result<Rc<File>, String>>,
    /// Bytes that may still be put together.
    left: usize,
    said: &'a mut Said,
}

/// The services of a file by their names.
struct File {
    folder: PathBuf,
    services: BTreeMap<String, Value>,
}

impl File {
    fn of(root: &Value, folder: &Path) -> Rc<Self> {
        let services = root.get("services").map(Value::entries).unwrap_or_default();
        let services = services.iter().cloned().collect();
        Rc::new(Self { folder: folder.to_owned(), services })
    }

    fn found(&self, name: &str) -> Result<&Value, String> {
        let service = self.services.get(name);
        service.ok_or_else(|| format!("there is no service {}", shortened(name)))
    }
}

impl Extending<'_> {
    fn services(&mut self, root: &Value, folder: &Path) -> Vec<(String, Value)> {
        let all = root.get("services").map(Value::entries).unwrap_or_default();
        if all.len() > MOST {
            let beyond = all.len() - MOST;
            self.said.left_out(format!("{beyond} services of the file beyond the first {MOST}"));
        }
        let file = File::of(root, folder);
        let mut whole = Vec::new();
        for (name, service) in all.iter().take(MOST) {
            let extended = self.extended(service, &file, MOST_STEPS).unwrap_or_else(|cause| {
                self.said.left_out(format!("`extends` of {}: {cause}", shortened(name)));
                service.clone()
            });
            whole.push((name.clone(), extended));
        }
        whole
    }

    fn extended(&mut self, service: &Value, of: &Rc<File>, steps: usize) -> Result<Value, String> {
        let Some(base) = service.get("extends") else { return Ok(service.clone()) };
        let steps = steps.checked_sub(1).ok_or("it goes on and on")?;
        let name =
            base.text().or_else(|| base.get("service")?.text()).ok_or("it names no service")?;
        let below = match base.get("file").and_then(Value::text) {
            None => {
                let base = of.found(&name)?;
                self.weigh(base)?;
                self.extended(base, of, steps)?
            }
            Some(path) => {
                let (path, other) = self.file(&of.folder, Path::new(&path))?;
                let base = other.found(&name)?;
                self.weigh(base)?;
                let below = self.extended(base, &other, steps)?;
                let (name, path) = (shortened(&name), shown(&path));
                self.said.read(format!("{name} of {path}, which others extend"));
                below
            }
        };
        Ok(over(service, &below))
    }

    /// Counts what is put together, before it is.
    fn weigh(&mut self, base: &Value) -> Result<(), String> {
        let weight = base.weight(self.left).ok_or("with others it takes too much memory")?;
        self.left -= weight;
        Ok(())
    }

    fn file(&mut self, folder: &Path, file: &Path) -> Result<(PathBuf, Rc<File>), String> {
        let inside =
            file.components().all(|it| matches!(it, Component::Normal(_) | Component::CurDir));
        if !inside {
            return Err(format!("{} is outside this folder", shown(file)));
        }
        let steps = file.components().filter(|it| *it != Component::CurDir);
        let path = folder.join(steps.collect::<PathBuf>());
        let known = self.files.get(&path).cloned();
        let found = match known {
            Some(known) => known,
            None if self.files.len() >= MOST_FILES => {
                return Err(format!("{} is beyond the first {MOST_FILES} files", shown(&path)));
            }
            None => {
                let read = (self.read)(&path);
                let read = read.map(|root| File::of(&root, path.parent().unwrap_or(folder)));
                self.files.insert(path.clone(), read.clone());
                read
            }
        };
        Ok((path, found?))
    }
}

/// A map with what stands below it; its own keys win, and those with a map of their own are joined.
fn over(own: &Value, below: &Value) -> Value {
    let mut entries: Vec<(String, Value)> = own.entries().to_vec();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, (key, _)) in own.entries().iter().enumerate() {
        places.entry(key).or_insert(place);
    }
    for (key, value) in below.entries() {
        let known = places.get(key.as_str()).and_then(|place| entries.get_mut(*place));
        let Some((_, own)) = known else {
            // What a service needs is not inherited.
            if key != "depends_on" {
                places.insert(key, entries.len());
                entries.push((key.clone(), value.clone()));
            }
            continue;
        };
        if own.tag() == Some("override") || own.tag() == Some("reset") {
            continue;
        }
        if PAIRS.contains(&key.as_str()) {
            *own = over(&pairs(own), &pairs(value));
        } else if own.is_map() && value.is_map() {
            *own = over(own, value);
        } else if ADDED.contains(&key.as_str()) {
            let items = |of: &Value| match of.items() {
                [] if !of.is_list() => vec![of.clone()],
                items => items.to_vec(),
            };
            *own = Value::of_items([items(value), items(own)].concat());
        }
    }
    entries.retain(|(_, value)| value.tag() != Some("reset"));
    Value::of_entries(entries)
}

/// A list of `NAME=value` as a map; what is a map already stays one.
fn pairs(value: &Value) -> Value {
    if value.is_map() {
        return value.clone();
    }
    let pair = |text: String| match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Value::of_text(value)),
        None => (text, Value::of_items(Vec::new())),
    };
    Value::of_entries(value.texts().into_iter().map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_what_it_extends_and_its_own_wins() {
        let folder = tempfile::tempdir().unwrap();
        let common = "services:\n  base: { extends: root, ports: ['1:1'], environment: [A=1, B=2] }\n  \
                      root: { image: r, healthcheck: { test: t, retries: 3 } }\n";
        std::fs::write(folder.path().join("common.yml"), common).unwrap();
        let root = foreign::yaml(
            "services:\n  api:\n    extends: { file: common.yml, service: base }\n    ports: ['2:2']\n    \
             environment: { B: 3 }\n    healthcheck: { retries: 5 }\n  loop: { extends: loop }\n  \
             out: { extends: { file: ../x.yml, service: x } }\n",
        )
        .unwrap();
        let mut said = Said::default();
        let all = services(&root, folder.path(), &mut said);
        let api = &all[0].1;
        assert_eq!(api.get("image").unwrap().text().as_deref(), Some("r"));
        assert_eq!(api.get("ports").unwrap().texts(), ["1:1", "2:2"]);
        let variables = api.get("environment").unwrap();
        assert_eq!(variables.get("A").unwrap().text().as_deref(), Some("1"));
        assert_eq!(variables.get("B").unwrap().text().as_deref(), Some("3"));
        let retries = api.at(&["healthcheck", "retries"]).unwrap();
        assert_eq!(retries.text().as_deref(), Some("5"));
        assert_eq!(api.at(&["healthcheck", "test"]).unwrap().text().as_deref(), Some("t"));
        assert_eq!(
            said.left_out,
            [
                "`extends` of loop: it goes on and on",
                "`extends` of out: ../x.yml is outside this folder"
            ]
        );
    }

    /// The services of `text`, all files but itself being `others`; what is said, and how often a file
    /// was read.
    fn put_together(text: &str, others: &str) -> (Vec<(String, Value)>, Said, usize) {
        let (mut said, mut reads) = (Said::default(), 0);
        let mut read = |_: &Path| {
            reads += 1;
            foreign::yaml(others)
        };
        let files = BTreeMap::new();
        let left = MOST_BYTES;
        let mut extending = Extending { read: &mut read, files, left, said: &mut said };
        let all = extending.services(&foreign::yaml(text).unwrap(), Path::new(""));
        (all, said, reads)
    }

    fn each(count: usize, service: impl Fn(usize) -> String) -> String {
        let lines = (0..count).map(|number| format!("  s{number}: {}\n", service(number)));
        format!("services:\n{}", lines.collect::<String>())
    }

    #[test]
    fn a_file_that_many_services_begin_in_is_read_once_however_it_is_written() {
        let text = each(300, |number| {
            let file = ["common.yml", "./common.yml"][number % 2];
            format!("{{ extends: {{ file: {file}, service: base }} }}")
        });
        let base = "services: { base: { extends: root }, root: { image: r } }";
        let (all, said, reads) = put_together(&text, base);
        assert_eq!((reads, all.len(), said.left_out.len()), (1, 300, 0));
        assert!(all.iter().all(|(_, it)| it.get("image").is_some()));
        let (_, said, reads) = put_together(&text, "services: [");
        assert_eq!((reads, said.left_out.len()), (1, 200));
    }

    #[test]
    fn services_files_and_what_they_take_from_others_are_bounded() {
        let text = each(5000, |_| "{ extends: { file: common.yml, service: base } }".to_owned());
        let (all, said, _) = put_together(&text, "services: { base: { image: r } }");
        assert_eq!(all.len(), MOST);
        assert_eq!(said.left_out, ["4200 services of the file beyond the first 800"]);
        let heavy = format!("services: {{ base: {{ image: {} }} }}", "r".repeat(1 << 20));
        let (all, said, _) = put_together(&text, &heavy);
        let took = all.iter().filter(|(_, it)| it.get("image").is_some()).count();
        assert_eq!(took, 31);
        assert!(said.left_out[1].ends_with("with others it takes too much memory"));
        let text = each(20, |it| format!("{{ extends: {{ file: f{it}.yml, service: base }} }}"));
        let (_, said, reads) = put_together(&text, "services: { base: { image: r } }");
        assert_eq!((reads, said.left_out.len()), (16, 4), "{said:?}");
    }

    #[test]
    fn keys_of_a_long_map_are_joined_by_name() {
        let pairs = |from: usize, value: &str| {
            let pairs = (from..from + 4000).map(|it| format!("K{it}: {value}"));
            format!("{{ environment: {{ {} }} }}", pairs.collect::<Vec<_>>().join(", "))
        };
        let joined = over(
            &foreign::yaml(&pairs(2000, "own")).unwrap(),
            &foreign::yaml(&pairs(0, "below")).unwrap(),
        );
        let all = joined.get("environment").unwrap().entries();
        assert_eq!(all.len(), 6000);
        let own = all.iter().filter(|(_, it)| it.text().as_deref() == Some("own")).count();
        assert_eq!(own, 4000);
    }
}
