//! Common English words: at the beginning of a sentence they are no names. What ends like a common word
//! (`names`), or stands in small letters in the document, needs no place here.

use crate::words::Stems;
use std::collections::BTreeSet;
use std::sync::LazyLock;

const WORDS: &str = "
    people person man men woman women child children parent family group team member staff worker employee employer tenant
    landlord lender borrower buyer seller client customer patient student pupil teacher school university college hospital
    doctor nurse court judge jury law act bill rule right duty claim appeal case claimant defendant plaintiff respondent
    party contract lease loan letter notice note report paper study article book chapter section page line table figure
    list item point part piece side top bottom front back end start middle year month week day hour minute second morning
    evening night spring summer autumn winter date time age number amount sum price cost fee charge rent rate tax fine
    money cash bank account budget fund grant bonus wage salary share stock bond profit loss debt credit income revenue
    sale sales trade market shop store firm company board chair head chief director manager owner partner council city
    town village state country nation government minister mayor president king queen lord army police fire water air
    earth land sea river lake road street bridge house home flat room floor roof wall door window garden garage cellar
    kitchen hall office building site area zone region district place space world work job task plan project proposal
    program programme system network server code data file field value type form format name word text title language
    message mail call phone computer machine engine model design method test trial result effect cause reason problem
    question answer idea view goal aim target level degree size length width height weight mass force power energy heat
    light sound colour color picture image map chart graph food meal bread milk fish meat fruit goods product order
    delivery parcel box bag card key lock lift car bus train van lorry ship plane bicycle bike rider driver pilot
    passenger ticket trip tour journey visit event meeting vote law court policy premium insurer insurance damage repair
    deposit payment interest instalment loan capital asset risk benefit advantage drawback change growth rise fall
    increase decrease gain access success failure error fault bug fix update version release draft copy original sample
    example instance detail fact feature function class object method module package library test tool command option
    setting default user author reader writer editor speaker listener guest host friend neighbour enemy youth adult
    blood heart brain body hand foot eye ear skin bone drug dose pain disease cancer headache injury death birth life
    health care treatment therapy medicine symptom risk diet sleep exercise weather rain snow ice wind storm flood
    drought climate temperature weight tree plant animal dog cat horse bird cow pet pets sport game match race score
    player coach captain trainer cup club season music song film play art museum theatre church history war peace
    battle century decade era past future present new old young big small large great good bad high low long short wide
    narrow fast slow early late full empty open closed free public private local national global social political
    economic legal medical common general special main major minor total average several many much few little half third
    quarter dozen hundred thousand million most least more less each every either neither both none nobody everybody
    anybody somebody everyone anyone someone nothing everything anything something first last next further another
    whoever whatever whichever wherever whenever yes no maybe perhaps please thank thanks sorry dear although because
    unless until while whereas whether within without among between beyond below above behind beside near across along
    around against despite during except inside outside since throughout towards upon via according based given due
    instead rather therefore thus hence still yet already always never often sometimes usually again once twice together
    today tomorrow yesterday now later soon here there everywhere only just even almost quite very too enough extra
    additional other others same different similar such certain sure clear true false real likely possible necessary
    let get give take make put set keep hold bring send buy sell pay ask tell say see look find use try need want help
    show move turn run walk go come leave stay live die eat drink read write speak learn teach think know believe feel
    hope like love hate wait stop begin close build break cut fill clean wash cook draw paint sign post print save add
    remove replace return check choose decide agree accept refuse reject approve allow forbid require provide offer
    request demand supply support protect attack defend win lose beat join divide share fares buses bookings
    requests pets goods works terms costs damages cards keys lessons steps measures means lots two three four five six
    seven eight nine ten eleven twelve twenty thirty forty fifty sixty seventy eighty ninety plus minus zero cold hot
    warm cool wet dry dark bright red blue green yellow black white brown grey gold silver iron steel wood stone glass
    paper plastic cotton wool oil gas coal electric electricity internet web online digital mobile telephone telephones
    video audio photo camera screen page button desk chair lamp bed bath shower toilet washroom soap towel carpet
    ground deck yard park field farm forest mountain hill valley beach island coast port harbour station airport
    subject topic theme issue matter concern complaint objection opinion comment remark advice warning alarm signal
    sign symbol mark label badge flag ring chain rope wire cable pipe tube valve pump fan heater timer relay switch
    sensor device gear brake wheel tyre wing tail nose mouth tooth teeth hair arm leg knee neck head shoulder finger
    thumb toe voice speech talk debate discussion argument evidence proof witness suspect crime theft murder prison
    victim thief weapon gun knife bomb soldier officer guard agent spy leader follower voter citizen resident visitor
    tourist foreigner immigrant refugee expert engineer scientist researcher lawyer farmer baker builder plumber
    carpenter painter artist actor singer dancer poet priest monk nun saint god heaven hell soul spirit mind memory dream
    chairs desks doors lights prices profits students teachers vans trains";

static COMMON: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let stems = Stems::new(Some("en"));
    WORDS.split_whitespace().flat_map(|word| stems.of(word)).collect()
});

/// Whether an English stem is that of a common word.
pub(super) fn is_common(stem: &str) -> bool {
    COMMON.contains(stem)
}
