//! Documents in eight languages: the language is told, sentences end where they do, and nothing is lost on the way.

use domain::text::{Line, Origin, Page, Pages, Role};
use precis_summarizer::{Options, analyse, count_words};

/// A language, sentences about a bridge (the first and the last strangers to it), and how they are joined.
struct Sample {
    language: &'static str,
    /// About nothing that the others are about.
    aside: &'static str,
    matter: [&'static str; 6],
    between: &'static str,
}

const SAMPLES: [Sample; 8] = [
    Sample {
        language: "de",
        aside: "Am Ufer blühen im Mai viele kleine blaue Blumen.",
        matter: [
            "Die alte Brücke über den Fluss wird in diesem Sommer von der Stadt erneuert.",
            "Für die Erneuerung der Brücke hat die Stadt einen Plan beschlossen.",
            "Nach dem Plan bleibt die Brücke während der Arbeiten für Autos gesperrt.",
            "Fußgänger dürfen die Brücke auch während der Arbeiten am Fluss benutzen.",
            "Die Arbeiten an der Brücke dauern nach dem Plan der Stadt vier Monate.",
            "Danach trägt die Brücke über den Fluss wieder schwere Lastwagen.",
        ],
        between: " ",
    },
    Sample {
        language: "fr",
        aside: "Au printemps, de petites fleurs bleues poussent près du rivage.",
        matter: [
            "Le vieux pont sur la rivière sera rénové cet été par la ville.",
            "Pour la rénovation du pont, la ville a adopté un plan de travaux.",
            "Selon le plan, le pont reste fermé aux voitures pendant les travaux.",
            "Les piétons peuvent traverser le pont pendant les travaux sur la rivière.",
            "Les travaux du pont durent quatre mois selon le plan de la ville.",
            "Ensuite le pont sur la rivière portera de nouveau les camions lourds.",
        ],
        between: " ",
    },
    Sample {
        language: "es",
        aside: "En primavera crecen pequeñas flores azules cerca de la orilla.",
        matter: [
            "El viejo puente sobre el río será renovado este verano por la ciudad.",
            "Para la renovación del puente la ciudad aprobó un plan de obras.",
            "Según el plan, el puente queda cerrado a los coches durante las obras.",
            "Los peatones pueden cruzar el puente durante las obras sobre el río.",
            "Las obras del puente duran cuatro meses según el plan de la ciudad.",
            "Después el puente sobre el río soportará de nuevo camiones pesados.",
        ],
        between: " ",
    },
    Sample {
        language: "ru",
        aside: "Весной у берега цветут маленькие голубые цветы.",
        matter: [
            "Старый мост через реку этим летом будет обновлён городом.",
            "Для обновления моста город утвердил план работ.",
            "По плану мост закрыт для машин во время работ.",
            "Пешеходы могут ходить по мосту во время работ на реке.",
            "Работы на мосту по плану города продолжатся четыре месяца.",
            "Потом мост через реку снова выдержит тяжёлые грузовики.",
        ],
        between: " ",
    },
    Sample {
        language: "zh",
        aside: "春天岸边开着许多蓝色的小花。",
        matter: [
            "今年夏天本市将翻修横跨河流的旧桥梁。",
            "为了翻修桥梁，本市通过了一项施工计划。",
            "根据计划，施工期间桥梁禁止汽车通行。",
            "施工期间行人仍然可以通过河流上的桥梁。",
            "根据本市的计划，桥梁施工将持续四个月。",
            "此后河流上的桥梁可以重新承受重型卡车。",
        ],
        between: "",
    },
    Sample {
        language: "ja",
        aside: "春には岸辺に小さな青い花がたくさん咲きます。",
        matter: [
            "この夏、市は川に架かる古い橋を改修します。",
            "橋の改修のために、市は工事の計画を決めました。",
            "計画によると、工事の間は橋を自動車が通れません。",
            "歩行者は工事の間も川の橋を渡ることができます。",
            "市の計画では、橋の工事は四か月続きます。",
            "その後、川の橋は再び重いトラックを支えます。",
        ],
        between: "",
    },
    Sample {
        language: "th",
        aside: "ในฤดูใบไม้ผลิมีดอกไม้สีฟ้าเล็กๆบานอยู่ริมฝั่ง",
        matter: [
            "ฤดูร้อนนี้เทศบาลจะปรับปรุงสะพานเก่าข้ามแม่น้ำ",
            "เทศบาลได้อนุมัติแผนงานก่อสร้างสำหรับปรับปรุงสะพาน",
            "ตามแผนงานสะพานจะปิดไม่ให้รถยนต์ผ่านระหว่างการก่อสร้าง",
            "คนเดินเท้ายังสามารถข้ามสะพานระหว่างการก่อสร้างในแม่น้ำได้",
            "การก่อสร้างสะพานใช้เวลาสี่เดือนตามแผนงานของเทศบาล",
            "หลังจากนั้นสะพานข้ามแม่น้ำจะรองรับรถบรรทุกหนักได้อีกครั้ง",
        ],
        between: " ",
    },
    Sample {
        language: "ar",
        aside: "في الربيع تنمو أزهار زرقاء صغيرة قرب الشاطئ.",
        matter: [
            "ستقوم المدينة هذا الصيف بتجديد الجسر القديم فوق النهر.",
            "وافقت المدينة على خطة أعمال من أجل تجديد الجسر.",
            "وفقا للخطة يبقى الجسر مغلقا أمام السيارات خلال الأعمال.",
            "يمكن للمشاة عبور الجسر فوق النهر خلال الأعمال.",
            "تستمر أعمال الجسر أربعة أشهر وفقا لخطة المدينة.",
            "بعد ذلك يحمل الجسر فوق النهر الشاحنات الثقيلة من جديد.",
        ],
        between: " ",
    },
];

fn pages(text: &str) -> Pages {
    let line = Line { text: text.into(), role: Role::Body, paragraph: 1, bbox: None, confidence: None };
    let page = Page { number: 1, origin: Origin::Text, lines: vec![line], attachment: None, note: None };
    Pages { pages: vec![page], title: None }
}

#[test]
fn each_language_is_told_read_and_cited() {
    for Sample { language, aside, matter, between } in SAMPLES {
        let mut all: Vec<&str> = matter[..3].to_vec();
        all.push(aside);
        all.extend(&matter[3..]);
        assert_eq!(precis_summarizer::sentences(&all.join(between)), all, "{language}");
        let pages = pages(&all.join(between));
        let budget = all.iter().map(|sentence| count_words(sentence)).sum::<usize>() * 6 / 7;
        let analysis = analyse(&pages, "x", &Options { words: budget, ..Options::default() }).unwrap();
        let blank: Vec<Vec<f32>> = analysis
            .texts()
            .iter()
            .enumerate()
            .map(|(at, _)| (0..64).map(|i| if i == at { 1.0 } else { 0.0 }).collect())
            .collect();
        let done = analysis.finish(blank).unwrap();
        assert_eq!(done.language.as_deref(), Some(language));
        let said: Vec<&str> = done.summary.sentences.iter().map(|s| s.text.as_str()).collect();
        assert!(said.len() >= 4, "{language}: {said:?}");
        for sentence in &done.summary.sentences {
            assert!(all.contains(&sentence.citations[0].text.as_str()), "{language}: {sentence:?}");
        }
    }
}
