"""What is kept: pictures that can be read, encoders, the library, its disks, and following folders."""

from __future__ import annotations

from ...data.catalog.opening import incomplete_copy
from .computing import Result, usable
from .facts import Disk, Facts
from .texts import Advice, count, extra, gigabytes, variable

FAT = ("vfat", "msdos", "fat", "fat32", "exfat")
SMALL_SPACE = 1_000_000_000
WATCHES = 524_288
"""The smallest limit of watches that is advised."""
BEST = "altclip-m9"


def pictures(facts: Facts) -> Result:
    """The formats that can be read."""
    readable = {codec.name: codec.library for codec in facts.codecs}
    pillow = f"{facts.system.pip} install --force-reinstall --only-binary :all: pillow"
    advice = []
    if (jpeg := readable["JPEG"]) and "turbo" not in jpeg:
        text = "Pillow was built without libjpeg-turbo: photos are decoded much more slowly."
        advice.append(Advice("faster", text, (pillow,)))
    if missing := [name for name in ("JPEG", "WebP", "AVIF") if not readable[name]]:
        text = f"Pillow was built without {' and '.join(missing)}. A wheel of it reads them."
        advice.append(Advice("broken" if "JPEG" in missing else "more", text, (pillow,)))
    failures = {"HEIC": facts.library.heic_failures, "RAW": facts.library.raw_failures}
    if extras := [name for name in failures if not readable[name]]:
        failed = sum(failures[name] for name in extras)
        kinds = " and ".join({"HEIC": "HEIC (iPhones)", "RAW": "camera raw"}[name] for name in extras)
        text = f"{kinds} pictures cannot be read" + (f": {failed:,} in this library." if failed else ".")
        commands = [extra(facts, *(name.lower() for name in extras))]
        commands += [f"polyglance index{facts.library.option}"] if failed else []
        advice.append(Advice("more", text, tuple(commands)))
    names = [f"{name} ({library})" if name == "JPEG" else name for name, library in readable.items() if library]
    return ", ".join(names), advice


def encoders(facts: Facts) -> Result:
    """The encoders that are on this machine."""
    ready = [encoder.name for encoder in facts.encoders if encoder.is_ready]
    if facts.library.encoder not in (None, "lite"):
        return f"{', '.join(ready)} ready", []
    option, commands = facts.library.option, []
    best = next((encoder for encoder in facts.encoders if encoder.name == BEST), None)
    text = f"{BEST} understands nearly every description, lite only everyday things."
    if not usable(facts):
        text += " Without a graphics card it takes 0.2 to 3 seconds for each picture."
    if best is None or (best.is_ready and facts.library.encoder is None):
        return f"{', '.join(ready)} ready", []
    if not best.is_ready:
        commands.append(f"polyglance encoders pull {BEST}")
        text += f" It is fetched once: {gigabytes(best.download or 0)}."
    if facts.library.encoder == "lite":
        commands.append(f"polyglance reencode --encoder {BEST}{option}")
    return f"{', '.join(ready)} ready", [Advice("more", text, tuple(commands))]


def library(facts: Facts) -> Result:
    """The library, and the file system that it is on."""
    place, disk = facts.library, facts.disks[0]
    option = place.option
    advice = _disk_advice(facts, disk)
    contents = "nothing indexed yet"
    if place.state == "ready":
        contents = f"{count(place.photos, 'photo')}, encoder {place.encoder or 'not chosen'}"
    elif place.state == "old":
        contents = "made by an older polyglance"
        advice.append(Advice("next", "The next index run upgrades the library.", (f"polyglance index{option}",)))
    elif place.state == "new":
        contents = "made by a newer polyglance"
        advice.append(Advice("broken", "The library was made by a newer polyglance: upgrade this one."))
    elif place.state == "incomplete":
        contents = "a copy that is not complete"
        advice.append(Advice("broken", str(incomplete_copy(place.folder))))
    elif place.state == "unreadable":
        contents = "cannot be read"
        text = "The catalog cannot be read. The check says why, and repairs it."
        advice.append(Advice("broken", text, (f"polyglance check --repair{option}",)))
    else:
        advice.append(Advice("next", "Index a folder of photos.", (f"polyglance index ~/Pictures{option}",)))
    system = f" ({disk.file_system})" if disk.file_system else ""
    return f"{place.folder}{system}: {contents}", advice


def disk(facts: Facts) -> Result:
    """Free space."""
    own, cache = facts.disks
    advice = []
    if own.free < SMALL_SPACE:
        text = f"Only {own.free / 1e6:.0f} MB are free for the library: index runs stop when the disk is full."
        commands = _move(facts)
        advice.append(Advice("safer", f"{text} Free space, or move it to a folder DIR on another disk.", commands))
    best = next((encoder for encoder in facts.encoders if encoder.name == BEST), None)
    if best and not best.is_ready and best.download and cache.free < best.download + SMALL_SPACE:
        text = f"{BEST} needs {gigabytes(best.download)}. Fetch it to a folder DIR on another disk."
        commands = (variable(facts, "HF_HOME", "DIR"), f"polyglance encoders pull {BEST}")
        advice.append(Advice("more", text, commands))
    if abs(own.free - cache.free) < 1_000_000:
        return f"{gigabytes(own.free)} free for library and encoders", advice
    return f"{gigabytes(own.free)} free for the library, {gigabytes(cache.free)} for encoders", advice


def watching(facts: Facts) -> Result:
    """Following folders."""
    following = facts.watching
    limit = following.max_watches
    folders = count(following.folders, "folder")
    if limit is None:
        return f"{folders}; this system sets no limit", []
    advice = []
    if following.folders * 5 > limit * 4:
        more = max(WATCHES, 1 << (2 * following.folders).bit_length())
        text = "Other programs use watches too. Folders beyond the limit are compared once a minute."
        line = f"fs.inotify.max_user_watches={more}"
        keep = f"echo {line} | sudo tee /etc/sysctl.d/60-polyglance.conf"
        advice.append(Advice("safer", text, (keep, "sudo sysctl --system")))
    return f"{folders}; inotify allows {limit:,}", advice


def _disk_advice(facts: Facts, disk: Disk) -> list[Advice]:
    advice = []
    if disk.is_remote:
        text = (
            f"The library is on a network disk ({disk.file_system}), where SQLite's locks are not reliable. Photos may "
            "be there; move the library to a folder DIR on a local disk."
        )
        advice.append(Advice("safer", text, _move(facts)))
    elif disk.file_system.lower() in FAT:
        text = (
            f"The library is on {disk.file_system}, which has no journal and no permissions: a lost connection may "
            "damage it. Move it to a folder DIR on another disk."
        )
        advice.append(Advice("safer", text, _move(facts)))
    if not disk.is_writable:
        text = "The library cannot be written to here: searching works, indexing does not."
        owner = () if facts.system.kind == "win32" else (f'sudo chown -R "$USER" {disk.folder}',)
        advice.append(Advice("safer", text, owner))
    return advice


def _move(facts: Facts) -> tuple[str, ...]:
    place = facts.library
    move = "move" if facts.system.kind == "win32" else "mv"
    setting = variable(facts, "POLYGLANCE_LIBRARY", "DIR")
    return (setting,) if place.state == "none" else (f"{move} {place.folder} DIR", setting)
