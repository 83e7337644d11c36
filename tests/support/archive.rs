//! Archives taken apart and put together, as whoever can write into their folder can do it.

use std::path::Path;

use sha2::{Digest, Sha256};

/// An archive's manifest and its members, by name.
#[derive(Clone, Debug)]
pub struct Unpacked {
    /// `manifest.json`.
    pub manifest: serde_json::Value,
    members: Vec<(String, Vec<u8>)>,
    time: u64,
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes an archive apart.
pub fn unpack(archive: &Path) -> Unpacked {
    let mut tar = tar::Archive::new(std::fs::File::open(archive).unwrap());
    let (mut members, mut time) = (Vec::new(), 0);
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        time = entry.header().mtime().unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        members.push((name, bytes));
    }
    let (_, manifest) = members.remove(0);
    members.retain(|(name, _)| name != "SHA256SUMS");
    Unpacked { manifest: serde_json::from_slice(&manifest).unwrap(), members, time }
}

impl Unpacked {
    /// What the manifest says of a table.
    pub fn table(&self, name: &str) -> &serde_json::Value {
        let tables = self.manifest["tables"].as_array().unwrap();
        tables.iter().find(|table| table["name"] == name).unwrap()
    }

    /// Puts it together again, whole and with checksums that are right.
    pub fn pack(&self) -> Vec<u8> {
        let mut manifest = serde_json::to_vec_pretty(&self.manifest).unwrap();
        manifest.push(b'\n');
        let mut members = vec![("manifest.json".to_owned(), manifest)];
        members.extend(self.members.iter().cloned());
        let sums: String = members.iter().map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes))).collect();
        members.push(("SHA256SUMS".to_owned(), sums.into_bytes()));
        let mut out = Vec::new();
        for (name, bytes) in members {
            let mut header = tar::Header::new_ustar();
            header.set_path(name).unwrap();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600);
            header.set_mtime(self.time);
            header.set_uid(0);
            header.set_gid(0);
            header.set_cksum();
            out.extend_from_slice(header.as_bytes());
            out.extend_from_slice(&bytes);
            out.resize(out.len().next_multiple_of(512), 0);
        }
        out.resize(out.len() + 1024, 0);
        out
    }
}
