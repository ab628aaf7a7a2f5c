//! `premis.xml` (PREMIS 3.0): the files with format and digest, and what was done with them; `dc.xml` (Dublin Core).

use std::collections::BTreeMap;

use super::{DATA, Package, Packed, format_of, xml};
use crate::archive::bagit::Digests;

/// `metadata/preservation/premis.xml`, from the digests of the files in [`DATA`].
pub fn premis(package: &Package, data: &BTreeMap<String, Digests>) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <premis xmlns=\"http://www.loc.gov/premis/v3\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
        xsi:schemaLocation=\"http://www.loc.gov/premis/v3 ../../schemas/premis-v3-0.xsd\" version=\"3.0\">\n"
        .to_owned();
    for record in &package.records {
        text.push_str(&representation(record));
    }
    for (path, digests) in data {
        text.push_str(&file(path, digests));
    }
    for record in &package.records {
        let detail = "Svaret på frågan om denna enda kommentar, eller kommentarens element i listan, togs emot byte för \
                      byte från plattformens gränssnitt och förseglades i loggen.";
        text.push_str(&event(package, "cap", "capture", &record.preserved_at, detail, &[record]));
    }
    let all: Vec<_> = package.records.iter().collect();
    for (code, name, detail) in [
        (
            "fix",
            "fixity check",
            "Det förseglade paketet lästes tillbaka och jämfördes med den kontrollsumma som loggen har.",
        ),
        (
            "mes",
            "message digest calculation",
            "SHA-256 och SHA-512 för varje fil, i BagIt-mappens listor; SHA-256 i METS.",
        ),
        (
            "val",
            "validation",
            "BagIt 1.0, loggposternas ordning, bevisen mot loggens undertecknade kontrollpunkt, och att de \
          fångade filerna är de som loggen förband sig till.",
        ),
    ] {
        text.push_str(&event(package, code, name, &package.created, detail, &all));
    }
    text.push_str(&agent("uppsikt", "Uppsikt", "software", Some(&package.software)));
    text.push_str(&agent("avsandare", &package.organisation.name, "organization", None));
    text.push_str("</premis>\n");
    text
}

fn representation(record: &Packed) -> String {
    format!(" <object xsi:type=\"representation\">{}</object>\n", object(&place(record)))
}

fn place(record: &Packed) -> String {
    format!("{DATA}/{}", record.folder)
}

fn object(name: &str) -> String {
    format!(
        "<objectIdentifier><objectIdentifierType>local</objectIdentifierType>\
         <objectIdentifierValue>{}</objectIdentifierValue></objectIdentifier>",
        xml(name)
    )
}

fn file(path: &str, digests: &Digests) -> String {
    let format = format_of(path);
    let version = format.version.map(|version| format!("<formatVersion>{version}</formatVersion>"));
    let registry = format.pronom.map(|key| {
        format!(
            "<formatRegistry><formatRegistryName>PRONOM</formatRegistryName>\
             <formatRegistryKey>{key}</formatRegistryKey></formatRegistry>"
        )
    });
    format!(
        " <object xsi:type=\"file\">{}<objectCharacteristics><fixity><messageDigestAlgorithm>SHA-256\
         </messageDigestAlgorithm><messageDigest>{}</messageDigest></fixity><size>{}</size><format>\
         <formatDesignation><formatName>{}</formatName>{}</formatDesignation>{}</format></objectCharacteristics>\
         </object>\n",
        object(path),
        hex::encode(digests.sha256),
        digests.size,
        format.name,
        version.unwrap_or_default(),
        registry.unwrap_or_default()
    )
}

fn event(package: &Package, code: &str, name: &str, at: &str, detail: &str, about: &[&Packed]) -> String {
    let first = about.first().map(|record| record.record.as_str()).unwrap_or_default();
    let id = package.uuid(&format!("event {code} {first}"));
    let objects: Vec<String> = about
        .iter()
        .map(|record| {
            format!(
                "<linkingObjectIdentifier><linkingObjectIdentifierType>local</linkingObjectIdentifierType>\
                 <linkingObjectIdentifierValue>{}</linkingObjectIdentifierValue></linkingObjectIdentifier>",
                xml(&place(record))
            )
        })
        .collect();
    format!(
        " <event><eventIdentifier><eventIdentifierType>UUID</eventIdentifierType><eventIdentifierValue>{id}\
         </eventIdentifierValue></eventIdentifier>\
         <eventType valueURI=\"http://id.loc.gov/vocabulary/preservation/eventType/{code}\">{name}</eventType>\
         <eventDateTime>{}</eventDateTime><eventDetailInformation><eventDetail>{}</eventDetail>\
         </eventDetailInformation><eventOutcomeInformation><eventOutcome>success</eventOutcome>\
         </eventOutcomeInformation><linkingAgentIdentifier><linkingAgentIdentifierType>local\
         </linkingAgentIdentifierType><linkingAgentIdentifierValue>uppsikt</linkingAgentIdentifierValue>\
         </linkingAgentIdentifier>{}</event>\n",
        xml(at),
        xml(detail),
        objects.concat()
    )
}

fn agent(id: &str, name: &str, kind: &str, version: Option<&str>) -> String {
    let version = version.map(|version| format!("<agentVersion>{}</agentVersion>", xml(version)));
    format!(
        " <agent><agentIdentifier><agentIdentifierType>local</agentIdentifierType><agentIdentifierValue>{id}\
         </agentIdentifierValue></agentIdentifier><agentName>{}</agentName><agentType>{kind}</agentType>{}</agent>\n",
        xml(name),
        version.unwrap_or_default()
    )
}

/// `metadata/descriptive/dc.xml`: simple Dublin Core. No name of a person and nothing of what was written stands there:
/// an e-archive's catalogue is open.
pub fn dublin_core(package: &Package) -> String {
    let days: Vec<_> = package.records.iter().filter_map(|record| record.preserved_at.get(..10)).collect();
    let span = match (days.iter().min(), days.iter().max()) {
        (Some(first), Some(last)) if first != last => format!("{first}/{last}"),
        (Some(first), _) => (*first).to_owned(),
        _ => String::new(),
    };
    let description = "Kommentarer på sociala medier som kommunen har tagit vara på innan de doldes, eller som har \
                       diarieförts, med allt som loggen säger om dem. Varje mapp i representationen är en akt och ett \
                       BagIt-paket som kan kontrolleras för sig.";
    let mut parts = vec![
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <metadata xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n"
            .to_owned(),
    ];
    let mut put = |name: &str, value: &str| parts.push(format!(" <dc:{name}>{}</dc:{name}>\n", xml(value)));
    put("title", &package.title);
    put("creator", &package.organisation.name);
    put("date", &span);
    put("description", description);
    put("type", "Collection");
    put("language", "sv");
    put("identifier", &package.id);
    for number in package.records.iter().filter_map(|record| record.diary_number.as_deref()) {
        put("identifier", number);
    }
    parts.push("</metadata>\n".to_owned());
    parts.concat()
}
