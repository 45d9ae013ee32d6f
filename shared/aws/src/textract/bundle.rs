//! Page images bound into one PDF, a page each.
//!
//! Written here because it is little: a page of a scan is a picture and a sentence that says where it lies. The
//! picture's data is taken over as it is (PNG's compressed rows are what PDF calls `FlateDecode` with PNG predictors,
//! and JPEG is `DCTDecode`), so nothing is decoded and the same images always make the same bytes.

use super::image::{Form, Picture};
use std::io::{self, Write};

/// Dots an inch of a page image.
const DPI: f64 = 200.0;
/// The longest side of a page that Textract takes, in points.
const LONGEST: f64 = 2880.0;

/// Writes a PDF page by page, holding one picture at a time.
pub(super) struct Bundle<W> {
    out: W,
    at: u64,
    /// Where each object begins, in the order of their numbers from 3 on.
    objects: Vec<u64>,
}

impl<W: Write> Bundle<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let mut bundle = Self { out, at: 0, objects: Vec::new() };
        // The bytes tell programs that move files that this one is not text.
        bundle.write(b"%PDF-1.5\n%\xE2\xE3\xCF\xD3\n")?;
        Ok(bundle)
    }

    /// Adds a page as large as its picture at 200 dpi.
    pub(super) fn page(&mut self, picture: &Picture) -> io::Result<()> {
        let (width, height) = (f64::from(picture.width), f64::from(picture.height));
        let scale = (72.0 / DPI).min(LONGEST / width.max(height));
        let (across, down) = (width * scale, height * scale);
        let first = self.next();
        let (content, image) = (first + 1, first + 2);
        self.begin()?;
        let page = format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 {across:.2} {down:.2}]/Contents {content} 0 R\
             /Resources<</XObject<</I {image} 0 R>>>>>>\nendobj\n"
        );
        self.write(page.as_bytes())?;
        let draw = format!("{across:.2} 0 0 {down:.2} 0 0 cm /I Do");
        self.begin()?;
        self.stream(&format!("/Length {}", draw.len()), draw.as_bytes())?;
        self.begin()?;
        let entries = format!(
            "/Type/XObject/Subtype/Image/Width {}/Height {}/ColorSpace/{}/BitsPerComponent {}{}/Length {}",
            picture.width,
            picture.height,
            if picture.colours == 1 { "DeviceGray" } else { "DeviceRGB" },
            picture.bits,
            filter(picture),
            picture.data.len()
        );
        self.stream(&entries, &picture.data)
    }

    /// Writes the list of pages and where everything is.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let pages = self.objects.len() / 3;
        let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", 3 + 3 * page)).collect();
        let catalogue = self.at;
        self.write(b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n")?;
        let list = self.at;
        let text = format!("2 0 obj\n<</Type/Pages/Count {pages}/Kids[{}]>>\nendobj\n", kids.join(" "));
        self.write(text.as_bytes())?;
        let table = self.at;
        let count = self.objects.len() + 3;
        self.write(format!("xref\n0 {count}\n0000000000 65535 f \n").as_bytes())?;
        let places = [catalogue, list].into_iter().chain(std::mem::take(&mut self.objects));
        for place in places {
            // Each line of the table has twenty bytes.
            self.write(format!("{place:010} 00000 n \n").as_bytes())?;
        }
        let end = format!("trailer\n<</Size {count}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n");
        self.write(end.as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn next(&self) -> usize {
        self.objects.len() + 3
    }

    fn begin(&mut self) -> io::Result<()> {
        let number = self.next();
        self.objects.push(self.at);
        self.write(format!("{number} 0 obj\n").as_bytes())
    }

    fn stream(&mut self, entries: &str, data: &[u8]) -> io::Result<()> {
        self.write(format!("<<{entries}>>\nstream\n").as_bytes())?;
        self.write(data)?;
        self.write(b"\nendstream\nendobj\n")
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

fn filter(picture: &Picture) -> String {
    match picture.form {
        Form::Jpeg => "/Filter/DCTDecode".to_owned(),
        Form::Rows => format!(
            "/Filter/FlateDecode/DecodeParms<</Predictor 15/Colors {}/BitsPerComponent {}/Columns {}>>",
            picture.colours, picture.bits, picture.width
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, data: &[u8]) -> Picture {
        Picture { width, height: 40, colours: 1, bits: 8, form: Form::Rows, data: data.to_vec() }
    }

    fn bound(pictures: &[Picture]) -> Vec<u8> {
        let mut bundle = Bundle::new(Vec::new()).unwrap();
        for picture in pictures {
            bundle.page(picture).unwrap();
        }
        bundle.finish().unwrap()
    }

    #[test]
    fn every_entry_of_the_table_points_at_its_object() {
        let bytes = bound(&[picture(20, b"\0\xFFendobj"), picture(30, b"xref")]);
        let text = String::from_utf8_lossy(&bytes);
        let start: usize = text.trim_end().rsplit('\n').nth(1).unwrap().parse().unwrap();
        assert!(bytes[start..].starts_with(b"xref\n0 9\n"));
        let table = std::str::from_utf8(&bytes[start..]).unwrap();
        for (number, line) in table.lines().skip(3).take(8).enumerate() {
            let at: usize = line[..10].parse().unwrap();
            let begin = format!("{} 0 obj\n", number + 1);
            assert!(bytes[at..].starts_with(begin.as_bytes()), "{begin}");
        }
        assert!(text.contains("/Count 2/Kids[3 0 R 6 0 R]"));
    }

    #[test]
    fn the_same_pictures_make_the_same_bytes() {
        let pictures = [picture(20, b"a"), picture(30, b"b")];
        assert_eq!(bound(&pictures), bound(&pictures));
        assert_ne!(bound(&pictures), bound(&[picture(30, b"b"), picture(20, b"a")]));
    }

    #[test]
    fn a_page_is_as_large_as_its_picture_at_200_dpi_and_no_larger_than_textract_takes() {
        let text = |width| String::from_utf8_lossy(&bound(&[picture(width, b"a")])).into_owned();
        assert!(text(2000).contains("/MediaBox[0 0 720.00 14.40]"));
        assert!(text(12_000).contains("/MediaBox[0 0 2880.00 9.60]"));
    }
}
