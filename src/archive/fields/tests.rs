use proptest::prelude::*;

use super::*;

fn vector() -> Value {
    serde_json::from_str(include_str!("../../../tests/fixtures/vectors/own-mask.json")).unwrap()
}

fn key() -> [u8; 32] {
    hex::decode(vector()["record_key_hex"].as_str().unwrap()).unwrap().try_into().unwrap()
}

fn head(vector: &Value) -> TreeHead {
    let root = hex::decode(vector["record_root_hex"].as_str().unwrap()).unwrap().try_into().unwrap();
    TreeHead { root, n: u32::try_from(vector["n"].as_u64().unwrap()).unwrap() }
}

/// The vector's document without its `files`, and those as bytes with the digests that the vector has.
fn tree(key: &[u8; 32], j: u32) -> Tree {
    let mut doc = vector()["document"].clone();
    doc.as_object_mut().unwrap().remove("files");
    let files: [(&str, &[u8]); 2] = [("media/0001.png", b"png"), ("api/001-comment.json", b"{}")];
    Tree::of(&doc, &["/comment/message"], &files, key, j).unwrap()
}

#[test]
fn the_vector_comes_out_leaf_by_leaf() {
    let vector = vector();
    let made = tree(&key(), 0);
    let fields = vector["fields"].as_array().unwrap();
    for (position, disclosure) in vector["disclosures"].as_array().unwrap().iter().enumerate() {
        let opening = made.leaves()[position].opening.as_ref().unwrap();
        assert_eq!(opening.path, fields[position][1].as_str().unwrap());
        assert_eq!(opening.disclosure, disclosure.as_str().unwrap(), "{}", opening.path);
    }
    for (position, hash) in vector["leaf_hashes_hex"].as_array().unwrap().iter().enumerate() {
        assert_eq!(hex::encode(made.leaves()[position].hash), hash.as_str().unwrap(), "leaf {position}");
    }
    assert_eq!(made.head(), head(&vector));
    let full: Value = serde_json::from_str(&made.full_json()).unwrap();
    assert_eq!(full, vector["full_fields_json"]);
    let masked: Vec<_> =
        vector["masked_indexes"].as_array().unwrap().iter().map(|i| i.as_u64().unwrap()).collect();
    let paths: Vec<_> =
        masked.iter().map(|i| fields[usize::try_from(*i).unwrap()][1].as_str().unwrap().to_owned()).collect();
    let text = made.masked_json(|path| paths.iter().any(|masked| masked == path));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), vector["masked_fields_json"]);
}

#[test]
fn full_and_masked_fields_verify_and_read_back() {
    let vector = vector();
    let full = verify(&vector["full_fields_json"].to_string(), &head(&vector)).unwrap();
    assert_eq!(full.text("/comment/message").unwrap(), "Ring Bo Test nu");
    assert_eq!(full.text("/comment/id").unwrap(), "17_1");
    assert_eq!(full.text("/comment/nothing"), None);
    assert_eq!(full.withheld.len(), 3);
    let files = full.files().unwrap();
    assert_eq!(files[1].path, "media/0001.png");
    assert_eq!(files[1].size, 3);
    let masked = verify(&vector["masked_fields_json"].to_string(), &head(&vector)).unwrap();
    assert_eq!(masked.shown.len(), 8);
    assert_eq!(masked.withheld[0], (1, Some("/comment/from/id".to_owned())));
    assert_eq!(masked.files().unwrap().len(), 1);
}

#[test]
fn every_changed_byte_of_fields_json_is_found() {
    let made = tree(&key(), 0);
    for text in [made.full_json(), made.masked_json(|path| path.contains("from"))] {
        let whole = verify(&text, &made.head()).unwrap();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            // A changed byte in the claimed path of a withheld field changes no hash: it shows as another claim.
            if let Ok(fields) = verify(&changed, &made.head()) {
                assert_ne!(fields, whole, "byte {at}");
                assert_eq!(fields.shown, whole.shown, "byte {at}");
            }
        }
    }
}

#[test]
fn what_is_no_fields_json_is_refused() {
    let made = tree(&key(), 0);
    let (text, head) = (made.full_json(), made.head());
    let first = text.split('\n').nth(1).unwrap();
    let bare = "{\"h\":\"00\"},";
    for bad in [
        String::new(),
        "{}".to_owned(),
        text.replacen(FORMAT, "uppsikt-fields/2", 1),
        text.replacen("\"leaves\"", "\"x\":1,\"leaves\"", 1),
        text.replacen(first, bare, 1),
        text.replacen(first, "{},", 1),
        text.replacen(first, "{\"d\":\"\"},", 1),
        text.replacen(first, &format!("{first}\n{first}"), 1),
        text.replacen(&format!("{first}\n"), "", 1),
        text.replacen("\"d\"", "\"p\":\"x\",\"d\"", 1),
    ] {
        assert!(verify(&bad, &head).is_err(), "{bad}");
    }
    let other = TreeHead { root: [0; 32], ..head };
    assert_eq!(verify(&text, &other), Err(FieldsError::Root));
    let huge = TreeHead { n: u32::MAX, ..head };
    assert!(matches!(verify(&text, &huge), Err(FieldsError::Count { .. })));
}

#[test]
fn no_two_trees_of_a_record_share_a_salt_or_a_decoy() {
    let mut seen = HashSet::new();
    for j in 0..4 {
        for leaf in tree(&key(), j).leaves() {
            assert!(seen.insert(leaf.hash));
        }
    }
    assert_eq!(tree_key(&key(), 0), key());
}

#[test]
fn strange_documents_have_their_fields() {
    let doc = json!({"b": [], "a/~": {"": null, "x": [1, {"y": true}]}, "t": "", "o": {}, "\u{e5}": 1.5});
    let fields = flatten(&doc, &["/t"], &[]).unwrap();
    let paths: Vec<_> = fields.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/a~1~0/", "/a~1~0/x/0", "/a~1~0/x/1/y", "/b", "/o", "/t#0", "/\u{e5}"]);
    assert_eq!(flatten(&json!([]), &[], &[]), Err(FieldsError::NoObject));
    assert_eq!(flatten(&json!({"files": 1}), &[], &[]), Err(FieldsError::FilesTaken));
    let twice: [(&str, &[u8]); 2] = [("api/1", b""), ("api/1", b"")];
    assert_eq!(flatten(&json!({}), &[], &twice), Err(FieldsError::TwicePath("api/1".to_owned())));
    let ambiguous = json!({"t": "x", "t#0": "y"});
    assert_eq!(
        Tree::of(&ambiguous, &["/t"], &[], &[0; 32], 0),
        Err(FieldsError::TwicePath("/t#0".to_owned()))
    );
    // Nothing at all still has a tree, of decoys only.
    assert_eq!(Tree::of(&json!({}), &[], &[], &[0; 32], 0).unwrap().head().n, 16);
}

#[test]
fn sixteen_fields_need_no_decoy_and_seventeen_need_fifteen() {
    for (fields, n) in [(1, 16), (16, 16), (17, 32)] {
        let doc: Map<String, Value> = (0..fields).map(|i| (format!("k{i}"), i.into())).collect();
        assert_eq!(Tree::of(&Value::Object(doc), &[], &[], &[0; 32], 0).unwrap().head().n, n);
    }
}

proptest! {
    #[test]
    fn a_text_is_the_sum_of_its_tokens(text in "[a-c \u{a0}\u{2003}\n\u{e5}\u{1f600}]{0,40}") {
        let cut = tokens(&text);
        prop_assert_eq!(cut.concat(), text.as_str());
        for token in &cut {
            prop_assert!(token.chars().all(char::is_whitespace) || !token.contains(char::is_whitespace));
        }
    }

    #[test]
    fn any_text_comes_back_from_its_fields(text in any::<String>()) {
        let made = Tree::of(&json!({"m": text}), &["/m"], &[], &[3; 32], 1).unwrap();
        let fields = verify(&made.full_json(), &made.head()).unwrap();
        prop_assert_eq!(fields.text("/m").unwrap(), text);
    }
}
