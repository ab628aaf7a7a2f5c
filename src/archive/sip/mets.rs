//! `METS.xml` (METS 1.12, E-ARK CSIP and SIP): every file of the package with its digest.

use std::collections::BTreeMap;

use super::{DESCRIPTION, METS, PACKAGE, PREMIS, Package, Party, format_of, xml};
use crate::archive::bagit::Digests;

/// What the package says its content is; the vocabulary has no word for it.
const CONTENT: &str =
    "csip:CONTENTINFORMATIONTYPE=\"OTHER\" csip:OTHERCONTENTINFORMATIONTYPE=\"uppsikt-evidence-1\"";

/// The groups of files: their name, and where theirs lie.
const GROUPS: [(&str, &str); 3] =
    [("Documentation", "documentation/"), ("Schemas", "schemas/"), ("Representations", "representations/")];

/// `METS.xml` of a package with these files.
pub fn mets(package: &Package, files: &BTreeMap<String, Digests>) -> String {
    let id = |of: &str| format!("uuid-{}", package.uuid(of));
    let created = xml(&package.created);
    let own_id = xml(&package.id);
    let mut parts = vec![format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <mets xmlns=\"http://www.loc.gov/METS/\" xmlns:csip=\"https://DILCIS.eu/XML/METS/CSIPExtensionMETS\" \
         xmlns:sip=\"https://DILCIS.eu/XML/METS/SIPExtensionMETS\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"http://www.loc.gov/METS/ schemas/mets.xsd \
         https://DILCIS.eu/XML/METS/CSIPExtensionMETS schemas/DILCISExtensionMETS.xsd \
         https://DILCIS.eu/XML/METS/SIPExtensionMETS schemas/DILCISExtensionSIPMETS.xsd\" \
         OBJID=\"{own_id}\" LABEL=\"{}\" TYPE=\"Mixed\" {CONTENT} PROFILE=\"{}\">\n \
         <metsHdr CREATEDATE=\"{created}\" LASTMODDATE=\"{created}\" RECORDSTATUS=\"NEW\" \
         csip:OAISPACKAGETYPE=\"SIP\">\n",
        xml(&package.title),
        package.version.profile(),
    )];
    parts.push(format!(
        "  <agent ROLE=\"CREATOR\" TYPE=\"OTHER\" OTHERTYPE=\"SOFTWARE\"><name>Uppsikt</name>\
         <note csip:NOTETYPE=\"SOFTWARE VERSION\">{}</note></agent>\n",
        xml(&package.software)
    ));
    parts.push(agent("ARCHIVIST", &package.organisation));
    parts.push(agent("CREATOR", &package.organisation));
    if let Some(archive) = &package.archive {
        parts.push(agent("PRESERVATION", archive));
    }
    if let Some(agreement) = &package.agreement {
        parts.push(format!("  <altRecordID TYPE=\"SUBMISSIONAGREEMENT\">{}</altRecordID>\n", xml(agreement)));
    }
    let numbers = package.records.iter().filter_map(|record| record.diary_number.as_deref());
    for number in numbers {
        parts.push(format!("  <altRecordID TYPE=\"REFERENCECODE\">{}</altRecordID>\n", xml(number)));
    }
    parts.push(" </metsHdr>\n".to_owned());
    let reference = |path: &str, kind: &str| {
        let Some(digests) = files.get(path) else { return String::new() };
        format!(
            "<mdRef LOCTYPE=\"URL\" xlink:type=\"simple\" {kind} {} xlink:href=\"{}\"/>",
            attributes(path, digests, &created),
            xml(path)
        )
    };
    for (path, kind) in
        [(DESCRIPTION, "MDTYPE=\"DC\""), (PACKAGE, "MDTYPE=\"OTHER\" OTHERMDTYPE=\"uppsikt-sip/1\"")]
    {
        parts.push(format!(
            " <dmdSec ID=\"{}\" CREATED=\"{created}\" STATUS=\"CURRENT\">{}</dmdSec>\n",
            id(path),
            reference(path, kind),
        ));
    }
    parts.push(format!(
        " <amdSec><digiprovMD ID=\"{}\" STATUS=\"CURRENT\">{}</digiprovMD></amdSec>\n",
        id(PREMIS),
        reference(PREMIS, "MDTYPE=\"PREMIS\" MDTYPEVERSION=\"3.0\""),
    ));
    parts.push(format!(" <fileSec ID=\"{}\">\n", id("fileSec")));
    for (name, place) in GROUPS {
        parts.push(format!("  <fileGrp ID=\"{}\" USE=\"{name}\" {CONTENT}>\n", id(name)));
        for (path, digests) in files.iter().filter(|(path, _)| path.starts_with(place)) {
            parts.push(format!(
                "   <file ID=\"{}\" {}><FLocat LOCTYPE=\"URL\" xlink:type=\"simple\" xlink:href=\"{}\"/></file>\n",
                id(path),
                attributes(path, digests, &created),
                xml(path)
            ));
        }
        parts.push("  </fileGrp>\n".to_owned());
    }
    let group = |name: &str| {
        format!(
            "   <div ID=\"{}\" LABEL=\"{name}\"><fptr FILEID=\"{}\"/></div>\n",
            id(&format!("div {name}")),
            id(name)
        )
    };
    parts.push(format!(
        " </fileSec>\n <structMap ID=\"{}\" TYPE=\"PHYSICAL\" LABEL=\"CSIP\">\n  \
         <div ID=\"{}\" LABEL=\"{own_id}\">\n   \
         <div ID=\"{}\" LABEL=\"Metadata\" DMDID=\"{} {}\" ADMID=\"{}\"/>\n{}{}{}  \
         </div>\n </structMap>\n</mets>\n",
        id("structMap"),
        id("div"),
        id("div Metadata"),
        id(DESCRIPTION),
        id(PACKAGE),
        id(PREMIS),
        group("Documentation"),
        group("Schemas"),
        group("Representations"),
    ));
    parts.concat()
}

fn agent(role: &str, party: &Party) -> String {
    let number = party
        .number
        .as_deref()
        .map(|number| format!("<note csip:NOTETYPE=\"IDENTIFICATIONCODE\">{}</note>", xml(number)));
    format!(
        "  <agent ROLE=\"{role}\" TYPE=\"ORGANIZATION\"><name>{}</name>{}</agent>\n",
        xml(&party.name),
        number.unwrap_or_default()
    )
}

fn attributes(path: &str, digests: &Digests, created: &str) -> String {
    format!(
        "MIMETYPE=\"{}\" SIZE=\"{}\" CREATED=\"{created}\" CHECKSUM=\"{}\" CHECKSUMTYPE=\"SHA-256\"",
        format_of(path).mime,
        digests.size,
        hex::encode(digests.sha256)
    )
}

/// A file as `METS.xml` lists it, read leniently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Its path.
    pub path: &'a str,
    /// SHA-256, as it stands there.
    pub checksum: &'a str,
}

/// The files that a `METS.xml` of ours lists: to say which file differs, never to trust it.
pub fn listed(text: &str) -> Vec<Listed<'_>> {
    let value = |line: &'_ str, name: &str| -> Option<(usize, usize)> {
        let begin = line.find(name)? + name.len();
        Some((begin, begin + line.get(begin..)?.find('"')?))
    };
    text.lines()
        .filter_map(|line| {
            let (path, checksum) = (value(line, " xlink:href=\"")?, value(line, " CHECKSUM=\"")?);
            Some(Listed { path: line.get(path.0..path.1)?, checksum: line.get(checksum.0..checksum.1)? })
        })
        .filter(|listed| listed.path != METS)
        .collect()
}
