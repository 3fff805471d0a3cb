"""Captions of the drawn world in nine languages: a count, a colour, a shape and a place, in three sentences each.

Numerals, plurals, gender and case agree. A count of 1 has an article or a numeral where the language wants one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

SHAPES = ("circle", "square", "triangle", "star", "heart")
COLOURS = ("red", "blue", "green", "yellow", "white", "black")
COUNTS = (1, 2, 3)
PLACES = ("left", "right", "top", "bottom")
SENTENCES = 3


@dataclass(frozen=True)
class Scene:
    """What a picture shows."""

    shape: str
    colour: str
    count: int
    place: str

    @property
    def is_held_out(self) -> bool:
        """A fifth: of each colour, count and place one shape, so that all parts are known and the whole is new."""
        numbers = SHAPES.index(self.shape), COLOURS.index(self.colour), self.count, PLACES.index(self.place)
        return sum(numbers) % len(SHAPES) == 0


SCENES = tuple(Scene(*parts) for parts in product(SHAPES, COLOURS, COUNTS, PLACES))

# Romance languages: shape -> (gender, singular, plural); colour -> (m. sg., f. sg., m. pl., f. pl.)
_NOUNS = {
    "es": ["m círculo círculos", "m cuadrado cuadrados", "m triángulo triángulos", "f estrella estrellas",
           "m corazón corazones"],
    "fr": ["m cercle cercles", "m carré carrés", "m triangle triangles", "f étoile étoiles", "m cœur cœurs"],
    "it": ["m cerchio cerchi", "m quadrato quadrati", "m triangolo triangoli", "f stella stelle", "m cuore cuori"],
}  # fmt: skip
_ADJECTIVES = {
    "es": ["rojo roja rojos rojas", "azul azul azules azules", "verde verde verdes verdes",
           "amarillo amarilla amarillos amarillas", "blanco blanca blancos blancas", "negro negra negros negras"],
    "fr": ["rouge rouge rouges rouges", "bleu bleue bleus bleues", "vert verte verts vertes",
           "jaune jaune jaunes jaunes", "blanc blanche blancs blanches", "noir noire noirs noires"],
    "it": ["rosso rossa rossi rosse", "blu blu blu blu", "verde verde verdi verdi", "giallo gialla gialli gialle",
           "bianco bianca bianchi bianche", "nero nera neri nere"],
}  # fmt: skip
_NUMBERS = {"es": "dos tres", "fr": "deux trois", "it": "due tre"}
_ONE = {"es": ("un", "una"), "fr": ("un", "une"), "it": ("un", "una")}

# Russian: gender, singular, genitive singular (after 2 and 3); adjectives m., f., n., nominative and genitive plural
_RU_NOUNS = ["m круг круга", "m квадрат квадрата", "m треугольник треугольника", "f звезда звезды", "n сердце сердца"]
_RU_ADJECTIVES = ["красный красная красное красные красных", "синий синяя синее синие синих",
                  "зелёный зелёная зелёное зелёные зелёных", "жёлтый жёлтая жёлтое жёлтые жёлтых",
                  "белый белая белое белые белых", "чёрный чёрная чёрное чёрные чёрных"]  # fmt: skip

# Arabic: gender, singular, dual, plural; adjectives m., f., m. dual, f. dual. Plurals of things take the feminine.
_AR_NOUNS = ["f دائرة دائرتان دوائر", "m مربع مربعان مربعات", "m مثلث مثلثان مثلثات", "f نجمة نجمتان نجوم",
             "m قلب قلبان قلوب"]  # fmt: skip
_AR_ADJECTIVES = ["أحمر حمراء أحمران حمراوان", "أزرق زرقاء أزرقان زرقاوان", "أخضر خضراء أخضران خضراوان",
                  "أصفر صفراء أصفران صفراوان", "أبيض بيضاء أبيضان بيضاوان", "أسود سوداء أسودان سوداوان"]  # fmt: skip

_PLACES = {
    "en": ["on the left", "on the right", "at the top", "at the bottom"],
    "zh": ["左边", "右边", "上方", "下方"],
    "es": ["a la izquierda", "a la derecha", "arriba", "abajo"],
    "fr": ["à gauche", "à droite", "en haut", "en bas"],
    "ru": ["слева", "справа", "вверху", "внизу"],
    "ja": ["左", "右", "上", "下"],
    "ko": ["왼쪽", "오른쪽", "위쪽", "아래쪽"],
    "ar": ["على اليسار", "على اليمين", "في الأعلى", "في الأسفل"],
    "it": ["a sinistra", "a destra", "in alto", "in basso"],
}


def captions(scene: Scene, language: str) -> tuple[str, ...]:
    """The SENTENCES captions of a scene in a language; the sentence of one number says the same in each language."""
    thing, place = _things(scene, language), _PLACES[language][PLACES.index(scene.place)]
    is_one = scene.count == 1
    match language:
        case "en":
            verb = "is" if is_one else "are"
            return f"{thing} {place}", f"there {verb} {thing} {place}", f"a picture with {thing} {place}"
        case "zh":
            return f"{place}有{thing}", f"{thing}在{place}", f"图中{place}有{thing}"
        case "es":
            return f"{thing} {place}", f"hay {thing} {place}", f"{place} hay {thing}"
        case "fr":
            return f"{thing} {place}", f"il y a {thing} {place}", f"{place}, il y a {thing}"
        case "it":
            verb = "c'è" if is_one else "ci sono"
            return f"{thing} {place}", f"{verb} {thing} {place}", f"{place} {verb} {thing}"
        case "ru":
            return f"{thing} {place}", f"{place} {thing}", f"на рисунке {place} {thing}"
        case "ja":
            number = ("一つ", "二つ", "三つ")[scene.count - 1]
            return f"{place}に{thing}が{number}", f"{place}に{number}の{thing}", f"{place}に{thing}が{number}あります"
        case "ko":
            return f"{place}에 {thing}", f"{place}에 {thing}가 있습니다", f"그림 {place}에 {thing}가 있습니다"
        case "ar":
            verb = "توجد" if _AR_NOUNS[SHAPES.index(scene.shape)].startswith("f") else "يوجد"
            return f"{thing} {place}", f"{verb} {place} {thing}", f"في الصورة {thing} {place}"
    raise ValueError(language)


def _things(scene: Scene, language: str) -> str:
    """Count, colour and shape; in Japanese without the count."""
    shape, colour, count = SHAPES.index(scene.shape), COLOURS.index(scene.colour), scene.count
    match language:
        case "en":
            return f"{('a', 'two', 'three')[count - 1]} {scene.colour} {scene.shape}{'s' * (count > 1)}"
        case "zh":
            colours, shapes = "红蓝绿黄白黑", ("圆形", "正方形", "三角形", "五角星", "心形")
            return f"{'一两三'[count - 1]}个{colours[colour]}色的{shapes[shape]}"
        case "ja":
            adjectives = ("赤い", "青い", "緑の", "黄色い", "白い", "黒い")
            return f"{adjectives[colour]}{('丸', '四角形', '三角形', '星', 'ハート')[shape]}"
        case "ko":
            adjectives = ("빨간", "파란", "초록색", "노란", "하얀", "검은")
            shapes = ("원", "정사각형", "삼각형", "별", "하트")
            return f"{adjectives[colour]} {shapes[shape]} {('한', '두', '세')[count - 1]} 개"
        case "ru":
            gender, one, few = _RU_NOUNS[shape].split()
            masculine, feminine, neuter, plural, genitive = _RU_ADJECTIVES[colour].split()
            if count == 1:
                number, adjective = {
                    "m": ("один", masculine), "f": ("одна", feminine), "n": ("одно", neuter)
                }[gender]  # fmt: skip
                return f"{number} {adjective} {one}"
            number = ("две" if gender == "f" else "два") if count == 2 else "три"
            return f"{number} {plural if gender == 'f' else genitive} {few}"
        case "ar":
            gender, one, two, many = _AR_NOUNS[shape].split()
            masculine, feminine, two_m, two_f = _AR_ADJECTIVES[colour].split()
            if count == 1:
                return f"{one} {feminine if gender == 'f' else masculine}"
            if count == 2:
                return f"{two} {two_f if gender == 'f' else two_m}"
            return f"{'ثلاث' if gender == 'f' else 'ثلاثة'} {many} {feminine}"
    gender, one, many = _NOUNS[language][shape].split()
    adjective = _ADJECTIVES[language][colour].split()[(gender == "f") + 2 * (count > 1)]
    if count == 1:
        return f"{_ONE[language][gender == 'f']} {one} {adjective}"
    return f"{_NUMBERS[language].split()[count - 2]} {many} {adjective}"
