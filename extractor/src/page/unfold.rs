//! How much a compressed stream unfolds to, found without keeping what it unfolds to.

use std::io::Read;

use flate2::read::ZlibDecoder;
use hayro::hayro_syntax::object::{Array, Name, Stream};

/// Bytes that the stream unfolds to, counted up to `limit`. Filters other than Flate are taken to be the last;
/// what they yield is bounded by what is read here and by the memory of the process.
pub(super) fn size_of(stream: &Stream<'_>, limit: u64) -> u64 {
    let raw = stream.raw_data();
    let one = stream.dict().get::<Name<'_>>(b"Filter".as_slice());
    let many = stream.dict().get::<Array<'_>>(b"Filter".as_slice());
    let filters = one
        .into_iter()
        .chain(many.iter().flat_map(Array::iter::<Name<'_>>));
    let folds = filters
        .take_while(|f| matches!(&**f, b"FlateDecode" | b"Fl"))
        .count();
    let mut reader: Box<dyn Read + '_> = Box::new(&*raw);
    for _ in 0..folds {
        reader = Box::new(ZlibDecoder::new(reader).take(limit));
    }
    // A damaged stream counts as far as it goes; the parser repairs or refuses it later.
    let mut buffer = [0; 1 << 14];
    let mut total = 0;
    while let Ok(read @ 1..) = reader.read(&mut buffer) {
        total += read as u64;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn nested_folds_are_counted_up_to_the_limit() {
        let fold = |bytes: &[u8]| {
            let mut encoder =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).expect("writes");
            encoder.finish().expect("ends")
        };
        let content = fold(&fold(&vec![b' '; 1 << 20]));
        let mut pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
            3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>endobj\n"
            .to_vec();
        pdf.extend(
            format!(
                "4 0 obj<</Length {}/Filter[/FlateDecode/FlateDecode]>>stream\n",
                content.len()
            )
            .as_bytes(),
        );
        pdf.extend(&content);
        pdf.extend(b"\nendstream endobj\ntrailer<</Root 1 0 R>>");
        let pdf = hayro::hayro_syntax::Pdf::new(pdf).expect("parses");
        let stream = pdf.pages()[0]
            .raw()
            .get::<Stream<'_>>(b"Contents".as_slice())
            .expect("a stream");
        assert_eq!(size_of(&stream, 1 << 30), 1 << 20);
        assert_eq!(size_of(&stream, 5_000), 5_000);
    }
}
