"""What happens in the scenario, to which article: (publisher, slug, what) each."""

from __future__ import annotations

Event = tuple[str, str, str]

ODD = frozenset({"interne-vorschau-messe", "portlight-ferry-storage-republished", "dagens-bilde"})
"""No crawl may ask for the first, the second is a copy already, the third has next to no text."""

DECLARING = frozenset({"chargepost", "ev-kurier", "voltward", "kerbside"})
"""Whose pages declare a canonical address."""

TWICE: tuple[Event, ...] = (
    ("chargepost", "second-life-battery-school", "kerbside"),
    ("voltward", "charging-cable-theft-copper", "stromvei"),
)
"""Syndicated to a second publisher too, before they stand at their own."""

WALLS: tuple[Event, ...] = (
    ("chargepost", "night-tariff-smart-meter-trial", "challenge-cloudflare-interstitial-en"),
    ("voltward", "granite-pickup-solid-state-pilot", "challenge-perimeterx-en"),
    ("dianche", "zhaohui-yundong-zhuanxiang", "challenge-geetest-zh"),
    ("ev-kurier", "ladesaeulen-preisanzeige-pflicht", "consent-sourcepoint-pur-de"),
    ("kerbside", "lamp-post-chargers-borough-survey", "consent-onetrust-en"),
    ("dianche", "guoqing-chongdian-paidui", "notfound-portal-zh"),
    ("stromvei", "elferge-lofoten-premiere", "notfound-custom-no"),
    ("chargepost", "bramble-electric-bus-dublin", "shell-react-en"),
    ("voltward", "semi-truck-recall-brake-software", "login-news-en"),
    ("ev-kurier", "rueckruf-lindner-kombi-kuehlmittel", "error-varnish-503"),
)
"""Never seen but as the wall, the empty shell or the error page that stands there from the first day on."""

ABSENT: tuple[Event, ...] = (
    ("kerbside", "used-ev-prices-autumn", "404"),
    ("stromvei", "strompris-hjemmelading-oktober", "503"),
    ("chargepost", "payment-terminal-rule-extension", "home"),
)
"""Never seen at all: the status that answers, or a redirect to the front page."""

POINTED_TO = (
    ("chargepost", "alder-300-recall-door-latch"),
    ("chargepost", "cork-harbour-charging-hub"),
    ("ev-kurier", "zwickau-natriumakku-kleinwagen"),
    ("voltward", "mesa-ranch-charging-co-op"),
    ("stromvei", "hurtiglader-dovre-aapnet"),
)
"""Named by another source's index too."""

EDITS: tuple[Event, ...] = (
    ("chargepost", "ferrow-pico-city-car-price", "rewrite"),
    ("chargepost", "alder-300-recall-door-latch", "body"),
    ("ev-kurier", "zwickau-natriumakku-kleinwagen", "body"),
    ("dianche", "gutai-dianchi-xiaopiliang", "body"),
    ("kerbside", "home-charger-planning-rules", "body"),
    ("chargepost", "battery-passport-first-scan", "headline"),
    ("dianche", "huandian-zhan-gaosu", "headline"),
    ("stromvei", "tilbakekalling-fjord-e4-varmepumpe", "headline"),
    ("kerbside", "school-run-car-club-electric", "headline"),
    ("ev-kurier", "schnellladepark-a9-hermsdorf", "numbers"),
    ("voltward", "charging-cable-theft-copper", "numbers"),
    ("kerbside", "toll-exemption-ends-tunnel", "numbers"),
    ("voltward", "mesa-ranch-charging-co-op", "typo"),
    ("dianche", "xiaomi-su7-xinban-jiage", "typo"),
    ("kerbside", "cargo-bike-couriers-depot", "typo"),
    ("stromvei", "dianche-jianpan-anniu-huigui", "typo"),
)
"""Edited after they were kept: the kind of revision that it must be. A rewrite is what some manuscripts bring."""

REDESIGNED = "kerbside"
BOX = "The Kerbside now comes as an app too, free for a year to whoever drives a Xiaomi SU7 or means to."
"""What stands in every text since."""

WITHDRAWN: tuple[Event, ...] = (
    ("ev-kurier", "winterreichweite-test-zwoelf-autos", "410"),
    ("ev-kurier", "mietwohnung-wallbox-urteil", "410"),
    ("chargepost", "voltward-winter-tire-test-electric-suv", "410"),
    ("chargepost", "linnet-estate-first-drive", "404"),
    ("voltward", "utility-v2g-school-buses", "notfound-expired-en"),
    ("stromvei", "hurtiglader-ko-app-hostferie", "home"),
)
"""Taken back after they were kept, some of the ways in which that is done needing a second look."""

WALLED: tuple[Event, ...] = (
    ("kerbside", "breakdown-patrols-electric-tow", "challenge-cloudflare-human-de"),
    ("ev-kurier", "kommentar-tempo-ladeleistung", "consent-contentpass-de"),
    ("chargepost", "cork-harbour-charging-hub", "shell-next-en"),
    ("dianche", "jianpan-anniu-huigui", "challenge-aliyun-zh"),
    ("voltward", "e-bike-battery-certification-law", "503"),
)
"""Behind a wall or an error when they are asked for again: neither an edit nor a withdrawal."""

RESTORED = (
    ("ev-kurier", "winterreichweite-test-zwoelf-autos"),
    ("chargepost", "voltward-winter-tire-test-electric-suv"),
)
"""Withdrawn, and there again later."""

OUT_OF_ORDER = ("dianche", "/article/")
"""All of a host answers as if nothing had ever been there."""
