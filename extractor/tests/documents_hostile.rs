//! Documents that attack their reader, each made here, and children that die: the reader names a reason and reads on.
//!
//! Needs the models that extractor/models/build makes.

use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use extractor::page::{Limits, Reason};
use extractor::process::{ReadError, Reader, ReaderSettings};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

fn settings() -> ReaderSettings {
    ReaderSettings {
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_extractor"))),
        models_dir: std::env::var_os(extraction_contract::env::MODELS_DIR).map(PathBuf::from),
        stall_timeout: Duration::from_secs(20),
        ..ReaderSettings::default()
    }
}

fn reader(settings: ReaderSettings) -> Reader {
    Reader::new(settings).expect("models")
}

async fn reason(reader: &Reader, bytes: Vec<u8>) -> Result<usize, Reason> {
    match reader.read(Bytes::from(bytes), |_| ()).await {
        Ok(pages) => Ok(pages.len()),
        Err(ReadError::Refused(refusal)) => Err(refusal.reason),
        Err(e) => panic!("not the document's fault: {e}"),
    }
}

/// A PDF of numbered objects without a table of them, which readers have to find by themselves.
fn pdf(objects: &[&str]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    for (i, object) in objects.iter().enumerate() {
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", i + 1).bytes());
    }
    bytes.extend(b"trailer\n<</Root 1 0 R>>\n");
    bytes
}

const CATALOG: &str = "<</Type/Catalog/Pages 2 0 R>>";
const ONE_PAGE: &str = "<</Type/Pages/Kids[3 0 R]/Count 1>>";

fn text_page(media_box: &str) -> Vec<u8> {
    pdf(&[
        CATALOG,
        ONE_PAGE,
        &format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[{media_box}]/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>"
        ),
        "<</Length 36>>stream\nBT /F 24 Tf 72 72 Td (Hello) Tj ET   \nendstream",
    ])
}

/// A page of twenty lines that say the same word again and again.
fn crowded(words: usize) -> Vec<u8> {
    let line = format!("({}) '", "a ".repeat(words / 20));
    let text = format!("BT /F 1 Tf 2 TL 1 900 Td {} ET", line.repeat(20));
    let content = format!("<</Length {}>>stream\n{text}\nendstream", text.len());
    pdf(&[
        CATALOG,
        ONE_PAGE,
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 14400 999]/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
        &content,
    ])
}

fn folded(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("folds");
    encoder.finish().expect("folds")
}

/// A page whose instructions are folded twice and unfold to 300 MB.
fn double_fold() -> Vec<u8> {
    let folded = folded(&folded(&vec![b' '; 300 << 20]));
    let mut bytes = pdf(&[
        CATALOG,
        ONE_PAGE,
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R>>",
    ]);
    bytes.truncate(bytes.len() - b"trailer\n<</Root 1 0 R>>\n".len());
    bytes.extend(
        format!(
            "4 0 obj\n<</Length {}/Filter[/FlateDecode/FlateDecode]>>stream\n",
            folded.len()
        )
        .bytes(),
    );
    bytes.extend(folded);
    bytes.extend(b"\nendstream\nendobj\ntrailer\n<</Root 1 0 R>>\n");
    bytes
}

/// Forms that each draw the next one twice: two to the power of their number.
fn forms() -> Vec<u8> {
    let last = 44;
    let form = |n: u32| {
        let next = if n == last { 5 } else { n + 1 };
        let body = "/X Do /X Do ".to_owned() + &"0 0 1 1 re f ".repeat(8);
        format!(
            "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X {next} 0 R>>>>/Length {}>>stream\n{body}\nendstream",
            body.len()
        )
    };
    let mut objects = vec![
        CATALOG.to_owned(),
        ONE_PAGE.to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>".to_owned(),
        "<</Length 5>>stream\n/X Do\nendstream".to_owned(),
    ];
    objects.extend((5..=last).map(form));
    pdf(&objects.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A page with a picture of a hundred megapixels in a hundred kilobytes.
fn picture_of_a_hundred_megapixels() -> Vec<u8> {
    let pixels = folded(&vec![0; 10_000 * 10_000]);
    let mut bytes = pdf(&[
        CATALOG,
        ONE_PAGE,
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        "<</Length 22>>stream\nq 99 0 0 99 0 0 cm /I Do Q\nendstream",
    ]);
    bytes.truncate(bytes.len() - b"trailer\n<</Root 1 0 R>>\n".len());
    bytes.extend(
        format!(
            "5 0 obj\n<</Type/XObject/Subtype/Image/Width 10000/Height 10000/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode/Length {}>>stream\n",
            pixels.len()
        )
        .bytes(),
    );
    bytes.extend(pixels);
    bytes.extend(b"\nendstream\nendobj\ntrailer\n<</Root 1 0 R>>\n");
    bytes
}

/// A PDF that opens with a password only. It has a table of its objects: without one the reader would mend the file.
fn encrypted() -> Vec<u8> {
    let whole = text_page("0 0 600 800");
    let mut bytes = whole[..whole.len() - b"trailer\n<</Root 1 0 R>>\n".len()].to_vec();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let table = bytes.len();
    bytes.extend(b"xref\n0 5\n0000000000 65535 f \n");
    for object in 1..=4 {
        let at = text.find(&format!("{object} 0 obj")).expect("the object");
        bytes.extend(format!("{at:010} 00000 n \n").bytes());
    }
    let (id, owner, user) = ("01".repeat(16), "4f".repeat(32), "55".repeat(32));
    let encrypt = format!("<</Filter/Standard/V 1/R 2/Length 40/P -4/O<{owner}>/U<{user}>>>");
    bytes.extend(
        format!("trailer\n<</Size 5/Root 1 0 R/ID[<{id}><{id}>]/Encrypt{encrypt}>>\nstartxref\n{table}\n%%EOF\n")
            .bytes(),
    );
    bytes
}

/// Bytes without any order, the same in each run.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 11_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// A page beside an object, and a catalog that does something when the document is opened.
fn page_beside(object: &str, actions: &str) -> Vec<u8> {
    pdf(&[
        &format!("<</Type/Catalog/Pages 2 0 R{actions}>>"),
        ONE_PAGE,
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
        "<</Length 36>>stream\nBT /F 24 Tf 72 72 Td (Hello) Tj ET   \nendstream",
        object,
    ])
}

/// Actions that would start a script that asks the network, and a program.
const ACTIONS: &str = "/OpenAction<</S/JavaScript/JS(app.launchURL\\(\"http://127.0.0.1:9/\"\\))>>/AA<</WC<</S/Launch/F(/bin/sh)>>>>";

fn many_pages(count: usize) -> Vec<u8> {
    let kids = (0..count)
        .map(|i| format!("{} 0 R ", i + 3))
        .collect::<String>();
    let mut objects = vec![
        CATALOG.to_owned(),
        format!("<</Type/Pages/Kids[{kids}]/Count {count}>>"),
    ];
    objects
        .extend((0..count).map(|_| "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>".to_owned()));
    pdf(&objects.iter().map(String::as_str).collect::<Vec<_>>())
}

fn encoded(picture: RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture)
        .write_to(&mut bytes, format)
        .expect("encodes");
    bytes.into_inner()
}

/// A PNG that says how large it is and then ends.
fn header_only_png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = encoded(RgbImage::new(1, 1), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    bytes
}

#[tokio::test]
async fn hostile_documents_are_refused_with_their_reason() {
    let reader = reader(settings());
    let cut = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() / 2);
        bytes
    };
    let speckled = |side| {
        encoded(
            RgbImage::from_fn(side, side, |x, y| {
                Rgb([(x * 7 + y * y) as u8, (x * y) as u8, y as u8])
            }),
            ImageFormat::Jpeg,
        )
    };
    let cases: Vec<(&str, Vec<u8>, Reason)> = vec![
        ("no bytes", Vec::new(), Reason::EmptyFile),
        (
            "too many bytes",
            vec![b' '; (50 << 20) + 1],
            Reason::FileTooLarge,
        ),
        (
            "markup",
            b"<html><script>%PDF-1.7".to_vec(),
            Reason::UnsupportedType,
        ),
        (
            "a program",
            b"MZ\x90\0%PDF-1.7".to_vec(),
            Reason::UnsupportedType,
        ),
        ("a header alone", b"%PDF-1.7\n".to_vec(), Reason::Malformed),
        (
            "900 megapixels",
            header_only_png(30_000, 30_000),
            Reason::TooManyPixels,
        ),
        (
            "ten gigapixels",
            header_only_png(100_000, 100_000),
            Reason::TooManyPixels,
        ),
        (
            "a cut PNG",
            cut(encoded(RgbImage::new(99, 99), ImageFormat::Png)),
            Reason::Malformed,
        ),
        ("a cut JPEG", cut(speckled(200)), Reason::Malformed),
        (
            "pages in a cycle, TIFF",
            b"II*\0\x08\0\0\0\0\0\x08\0\0\0".to_vec(),
            Reason::Malformed,
        ),
        (
            "pages in a cycle, PDF",
            pdf(&[CATALOG, "<</Type/Pages/Kids[2 0 R]/Count 1>>"]),
            Reason::Malformed,
        ),
        (
            "content that is missing",
            pdf(&[
                CATALOG,
                ONE_PAGE,
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 9 0 R>>",
            ]),
            Reason::Malformed,
        ),
        (
            "a page of a million inches",
            text_page("0 0 72000000 72000000"),
            Reason::PageTooLarge,
        ),
        ("one page too many", many_pages(201), Reason::TooManyPages),
        ("300 000 words", crowded(300_000), Reason::TooManyWords),
        ("300 MB in 1 KB", double_fold(), Reason::DecompressionLimit),
        (
            "100 megapixels in a page",
            picture_of_a_hundred_megapixels(),
            Reason::TooManyPixels,
        ),
        ("a password", encrypted(), Reason::PasswordRequired),
        ("noise", noise(4096), Reason::UnsupportedType),
        (
            "a drawing that names files",
            b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><svg>&f;</svg>".to_vec(),
            Reason::UnsupportedType,
        ),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(reason(&reader, bytes).await, Err(expected), "{name}");
    }
}

#[tokio::test]
async fn odd_but_honest_documents_are_read() {
    let reader = reader(settings());
    for (name, bytes, pages) in [
        ("as many pages as allowed", many_pages(200), 200),
        ("a page of 200 inches", text_page("0 0 14400 14400"), 1),
        ("a page with scripts", page_beside("null", ACTIONS), 1),
        (
            "50 000 arrays in each other",
            page_beside(&("[".repeat(50_000) + &"]".repeat(50_000)), ""),
            1,
        ),
        (
            "one pixel",
            encoded(RgbImage::new(1, 1), ImageFormat::Png),
            1,
        ),
        (
            "a white page",
            encoded(
                RgbImage::from_pixel(850, 1100, Rgb([255; 3])),
                ImageFormat::Png,
            ),
            1,
        ),
        (
            "a very thin picture",
            encoded(RgbImage::new(20_000, 1), ImageFormat::Png),
            1,
        ),
    ] {
        assert_eq!(reason(&reader, bytes).await, Ok(pages), "{name}");
    }
    let hello = reader
        .read(text_page("0 0 600 800").into(), |_| ())
        .await
        .expect("reads");
    assert_eq!(
        hello[0]
            .words
            .iter()
            .map(|w| w.text.as_str())
            .collect::<Vec<_>>(),
        ["Hello"]
    );
}

#[tokio::test]
async fn a_document_without_end_is_stopped_and_the_next_one_is_read() {
    let reader = reader(ReaderSettings {
        stall_timeout: Duration::from_secs(3),
        ..settings()
    });
    let start = Instant::now();
    assert_eq!(reason(&reader, forms()).await, Err(Reason::Timeout));
    assert!(start.elapsed() < Duration::from_secs(60));
    assert_eq!(reason(&reader, text_page("0 0 600 800")).await, Ok(1));
}

#[tokio::test]
async fn the_whole_document_has_a_time_limit_too() {
    let reader = reader(ReaderSettings {
        timeout: Duration::from_secs(2),
        ..settings()
    });
    reader.warm().await.expect("starts");
    assert_eq!(reason(&reader, forms()).await, Err(Reason::Timeout));
}

#[tokio::test]
async fn a_document_that_needs_too_much_memory_is_refused() {
    let limits = Limits {
        page_pixels: 400_000_000,
        decompressed_bytes: 4 << 30,
        ..Limits::default()
    };
    let reader = reader(ReaderSettings {
        memory_bytes: 1 << 30,
        limits,
        ..settings()
    });
    let bytes = encoded(
        RgbImage::from_pixel(16_000, 20_000, Rgb([255; 3])),
        ImageFormat::Png,
    );
    assert_eq!(reason(&reader, bytes).await, Err(Reason::MemoryLimit));
    assert_eq!(reason(&reader, text_page("0 0 600 800")).await, Ok(1));
}

#[tokio::test]
async fn a_crash_costs_one_document() {
    let reader = Arc::new(reader(settings()));
    let child = warm_child(&reader).await;
    let idle = processor_ticks(child);
    let reading = tokio::spawn({
        let reader = reader.clone();
        async move { reason(&reader, forms()).await }
    });
    until(|| processor_ticks(child) > idle + 10).await;
    let signal = ["-ABRT", &child.to_string()];
    assert!(
        Command::new("kill")
            .args(signal)
            .status()
            .expect("kill")
            .success()
    );
    assert_eq!(reading.await.expect("joins"), Err(Reason::Crashed));
    assert_eq!(reason(&reader, text_page("0 0 600 800")).await, Ok(1));
}

#[tokio::test]
async fn a_child_that_died_while_it_waited_costs_no_document() {
    let reader = reader(settings());
    let child = warm_child(&reader).await;
    let killed = Command::new("kill")
        .args(["-KILL", &child.to_string()])
        .status();
    assert!(killed.expect("kill").success());
    until(|| !is_alive(child)).await;
    assert_eq!(reason(&reader, text_page("0 0 600 800")).await, Ok(1));
    assert_ne!(reader.idle_children(), [child]);
}

#[tokio::test]
async fn a_signal_to_our_process_group_does_not_reach_a_child() {
    let reader = reader(settings());
    let child = warm_child(&reader).await;
    let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).expect("stat");
    let group = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.split(' ').nth(2));
    assert_eq!(group, Some(child.to_string().as_str()));
}

#[tokio::test]
async fn giving_up_on_a_document_kills_its_child() {
    let reader = reader(settings());
    let child = warm_child(&reader).await;
    let reading = reader.read(forms().into(), |_| ());
    assert!(
        tokio::time::timeout(Duration::from_millis(500), reading)
            .await
            .is_err()
    );
    until(|| !is_alive(child)).await;
    assert_eq!(reason(&reader, text_page("0 0 600 800")).await, Ok(1));
}

#[tokio::test]
async fn a_child_serves_many_documents_but_not_for_ever() {
    let reader = reader(ReaderSettings {
        documents_per_child: 3,
        ..settings()
    });
    let first = warm_child(&reader).await;
    for read in 1..=3 {
        assert_eq!(reason(&reader, text_page("0 0 600 800")).await, Ok(1));
        assert_eq!(reader.idle_children() == [first], read < 3);
    }
    until(|| !is_alive(first)).await;
}

#[tokio::test]
async fn a_child_has_given_up_its_rights() {
    let reader = reader(settings());
    let child = warm_child(&reader).await;
    let proc = |name: &str| std::fs::read_to_string(format!("/proc/{child}/{name}")).expect(name);
    let status = proc("status");
    assert!(
        status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"),
        "{status}"
    );
    assert_eq!(proc("environ"), "");
    let limits = proc("limits");
    let hard = |name: &str| {
        let line = limits
            .lines()
            .find(|l| l.starts_with(name))
            .expect("a limit");
        line[26..]
            .split_whitespace()
            .nth(1)
            .expect("a number")
            .to_owned()
    };
    assert_eq!(hard("Max address space"), (2_u64 << 30).to_string());
    assert_eq!(
        [hard("Max file size"), hard("Max core file size")],
        ["0", "0"]
    );
}

async fn warm_child(reader: &Reader) -> u32 {
    reader.warm().await.expect("starts");
    reader.idle_children()[0]
}

/// Processor time used so far.
fn processor_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name
        .split_whitespace()
        .nth(11)
        .and_then(|ticks| ticks.parse().ok())
        .unwrap_or(0)
}

/// A killed process that its parent has not yet collected counts as gone.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().next())
        .is_some_and(|state| state != "Z")
}

async fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come true");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
