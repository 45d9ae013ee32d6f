//! Pages that lie on their side.

use crate::OcrError;
use domain::text::BoundingBox;
use image::{ImageFormat, ImageReader};
use std::path::Path;
use tempfile::NamedTempFile;

/// How a page must be turned to stand upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// 90° clockwise.
    Right,
    /// 180°.
    Over,
    /// 90° anticlockwise.
    Left,
}

impl Turn {
    pub const ALL: [Self; 3] = [Self::Right, Self::Over, Self::Left];

    /// From degrees clockwise, as the engine tells them; `None` for upright.
    pub fn of_degrees(degrees: u32) -> Option<Self> {
        match degrees {
            90 => Some(Self::Right),
            180 => Some(Self::Over),
            270 => Some(Self::Left),
            _ => None,
        }
    }

    /// A turned copy of an image, gone when it is dropped.
    pub fn copy(self, image: &Path) -> Result<NamedTempFile, OcrError> {
        let wrong = |error: &dyn std::fmt::Display| OcrError::Image(error.to_string());
        let mut reader = ImageReader::open(image).map_err(|error| wrong(&error))?;
        reader.no_limits();
        let picture = reader.decode().map_err(|error| wrong(&error))?;
        let turned = match self {
            Self::Right => picture.rotate90(),
            Self::Over => picture.rotate180(),
            Self::Left => picture.rotate270(),
        };
        let failed = |error: &dyn std::fmt::Display| {
            OcrError::Failed(format!("a turned page cannot be written ({error})"))
        };
        let mut file = tempfile::Builder::new().suffix(".png").tempfile().map_err(|error| failed(&error))?;
        turned.write_to(file.as_file_mut(), ImageFormat::Png).map_err(|error| failed(&error))?;
        Ok(file)
    }

    /// A box on the turned page becomes the box on the page as it lies.
    pub fn undo(self, bbox: &mut BoundingBox) {
        let BoundingBox { left, top, width, height } = *bbox;
        *bbox = match self {
            Self::Right => BoundingBox { left: top, top: 1.0 - left - width, width: height, height: width },
            Self::Over => BoundingBox { left: 1.0 - left - width, top: 1.0 - top - height, width, height },
            Self::Left => BoundingBox { left: 1.0 - top - height, top: left, width: height, height: width },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, Luma};

    /// A mark near the top left of a page, found again through each turn.
    #[test]
    fn boxes_come_back_to_where_the_ink_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.png");
        let (width, height) = (200_u32, 400_u32);
        let inside = |x: u32, y: u32| (20..60).contains(&x) && (40..80).contains(&y);
        GrayImage::from_fn(width, height, |x, y| Luma([if inside(x, y) { 0 } else { 255 }]))
            .save(&path)
            .unwrap();
        for turn in Turn::ALL {
            let copy = turn.copy(&path).unwrap();
            let turned = image::open(copy.path()).unwrap().into_luma8();
            let ink: Vec<(u32, u32)> = turned
                .enumerate_pixels()
                .filter(|(_, _, pixel)| pixel.0[0] == 0)
                .map(|(x, y, _)| (x, y))
                .collect();
            let share = |value: u32, whole: u32| value as f32 / whole as f32;
            let (x0, x1) =
                (ink.iter().map(|it| it.0).min().unwrap(), ink.iter().map(|it| it.0).max().unwrap() + 1);
            let (y0, y1) =
                (ink.iter().map(|it| it.1).min().unwrap(), ink.iter().map(|it| it.1).max().unwrap() + 1);
            let mut back = BoundingBox {
                left: share(x0, turned.width()),
                top: share(y0, turned.height()),
                width: share(x1 - x0, turned.width()),
                height: share(y1 - y0, turned.height()),
            };
            turn.undo(&mut back);
            for (got, expected) in [(back.left, 0.1), (back.top, 0.1), (back.width, 0.2), (back.height, 0.1)]
            {
                assert!((got - expected).abs() < 1e-4, "{turn:?}: {back:?}");
            }
        }
    }
}
