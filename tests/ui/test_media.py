import os
from io import BytesIO

import pytest
from PIL import Image


def test_a_thumbnail_is_a_small_jpeg(client, ids):
    answer = client.get(f"/media/thumbnail/{ids['rocket.jpg']}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(BytesIO(answer.content)).size == (384, 256)


def test_a_lost_thumbnail_is_made_again(client, library, ids):
    path = library.thumbnail(ids["horse.png"])
    path.unlink()
    assert client.get(f"/media/thumbnail/{ids['horse.png']}").status_code == 200
    assert path.exists()


@pytest.mark.parametrize(("name", "kind"), [("rocket.jpg", "image/jpeg"), ("chelsea.png", "image/png")])
def test_a_photo_browsers_show_is_sent_byte_for_byte(client, ids, pictures, name, kind):
    answer = client.get(f"/media/photo/{ids[name]}")
    assert answer.headers["content-type"] == kind
    assert answer.content == (pictures / name).read_bytes()


def test_a_photo_browsers_do_not_show_becomes_a_jpeg(client, ids):
    answer = client.get(f"/media/photo/{ids['espresso.tiff']}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(BytesIO(answer.content)).size == (600, 400)


@pytest.mark.parametrize("route", ["thumbnail", "photo"])
def test_pictures_carry_headers_that_keep_them_pictures(client, ids, route):
    headers = client.get(f"/media/{route}/{ids['chelsea.png']}").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'"
    assert headers["cache-control"].startswith("private")
    assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("route", ["thumbnail", "photo"])
def test_a_picture_the_browser_has_is_not_sent_again(client, ids, route):
    address = f"/media/{route}/{ids['chelsea.png']}"
    etag = client.get(address).headers["etag"]
    again = client.get(address, headers={"If-None-Match": f'"other", W/{etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_etag_of_a_photo_follows_its_file(client, ids, pictures):
    address = f"/media/photo/{ids['page.png']}"
    etag = client.get(address).headers["etag"]
    os.utime(pictures / "page.png", ns=(1, 1))
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("route", ["thumbnail", "photo"])
@pytest.mark.parametrize("unknown", ["99999", "9223372036854775807"])
def test_an_unknown_id_is_not_found(client, route, unknown):
    answer = client.get(f"/media/{route}/{unknown}")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("No photo has the id")


@pytest.mark.parametrize("wrong", ["0", "-1", "9223372036854775808", "cat", "%2e%2e%2fcatalog.db", "1.5"])
@pytest.mark.parametrize("route", ["thumbnail", "photo"])
def test_what_is_no_id_is_refused(client, route, wrong):
    answer = client.get(f"/media/{route}/{wrong}")
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_file_that_is_gone_is_not_found_and_its_thumbnail_stays(client, ids, pictures):
    (pictures / "gone" / "gone.png").unlink()
    answer = client.get(f"/media/photo/{ids['gone.png']}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "The photo is gone."
    assert client.get(f"/media/thumbnail/{ids['gone.png']}").status_code == 200


def test_a_photo_replaced_by_a_link_is_refused(client, ids, pictures, tmp_path):
    secret = tmp_path / "secret.png"
    Image.new("RGB", (50, 50), "red").save(secret)
    photo = pictures / "linked" / "linked.png"
    photo.unlink()
    photo.symlink_to(secret)
    assert client.get(f"/media/photo/{ids['linked.png']}").status_code == 404
    photo.unlink()
    photo.symlink_to(pictures / "chelsea.png")
    answer = client.get(f"/media/photo/{ids['linked.png']}")
    assert (answer.status_code, answer.json()["detail"]) == (404, "The photo was replaced by a link.")


def test_a_photo_whose_folder_became_a_link_to_elsewhere_is_refused(client, ids, pictures, tmp_path):
    (tmp_path / "moved.png").write_bytes((pictures / "moved" / "moved.png").read_bytes())
    (pictures / "moved").rename(pictures / "was-here")
    (pictures / "moved").symlink_to(tmp_path)
    answer = client.get(f"/media/photo/{ids['moved.png']}")
    assert (answer.status_code, answer.json()["detail"]) == (404, "The photo is no longer in its folder.")


def test_a_photo_replaced_by_a_page_is_not_sent(client, ids, pictures):
    photo = pictures / "grass.png"
    before = photo.read_bytes()
    photo.write_text("<script>alert(1)</script>")
    try:
        answer = client.get(f"/media/photo/{ids['grass.png']}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    finally:
        photo.write_bytes(before)


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes in the file system")
def test_a_photo_replaced_by_a_pipe_does_not_hang(client, ids, pictures):
    photo = pictures / "gravel.png"
    photo.unlink()
    os.mkfifo(photo)
    answer = client.get(f"/media/photo/{ids['gravel.png']}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "The photo was replaced by something that is no file."
