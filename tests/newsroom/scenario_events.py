"""The events of the scenario, each as (publisher, slug, what happens to this article)."""

from __future__ import annotations

Event = tuple[str, str, str]

EXCLUDED = frozenset({"interne-vorschau-messe", "portlight-ferry-storage-republished", "dagens-bilde"})
"""Robots.txt forbids the first, the second is a copy from the start, the third has hardly any text."""

DECLARES_CANONICAL = frozenset({"chargepost", "ev-kurier", "voltward", "kerbside"})
"""Publishers whose pages declare a canonical URL."""

SYNDICATED_TWICE: tuple[Event, ...] = (
    ("chargepost", "second-life-battery-school", "kerbside"),
    ("voltward", "charging-cable-theft-copper", "stromvei"),
)
"""Also syndicated to this second publisher, before they are published at their own."""

REFUSED_FROM_START: tuple[Event, ...] = (
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
"""Replaced from the start by a page that is refused."""

FAILED_FROM_START: tuple[Event, ...] = (
    ("kerbside", "used-ev-prices-autumn", "404"),
    ("stromvei", "strompris-hjemmelading-oktober", "503"),
    ("chargepost", "payment-terminal-rule-extension", "home"),
)
"""Replaced from the start by an error status or a redirect to the home page."""

LISTED_ELSEWHERE = (
    ("chargepost", "alder-300-recall-door-latch"),
    ("chargepost", "cork-harbour-charging-hub"),
    ("ev-kurier", "zwickau-natriumakku-kleinwagen"),
    ("voltward", "mesa-ranch-charging-co-op"),
    ("stromvei", "hurtiglader-dovre-aapnet"),
)
"""Also listed in the index of another source."""

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
"""Edited after they were stored, with the expected kind of revision. Some article files contain a rewrite."""

REDESIGNED = "kerbside"
BOX = "The Kerbside now comes as an app too, free for a year to whoever drives a Xiaomi SU7 or means to."
"""The paragraph in every article since the redesign."""

WITHDRAWN: tuple[Event, ...] = (
    ("ev-kurier", "winterreichweite-test-zwoelf-autos", "410"),
    ("ev-kurier", "mietwohnung-wallbox-urteil", "410"),
    ("chargepost", "voltward-winter-tire-test-electric-suv", "410"),
    ("chargepost", "linnet-estate-first-drive", "404"),
    ("voltward", "utility-v2g-school-buses", "notfound-expired-en"),
    ("stromvei", "hurtiglader-ko-app-hostferie", "home"),
)
"""Withdrawn after they were stored; some of these responses must be confirmed by a second request."""

REFUSED_ON_REVISIT: tuple[Event, ...] = (
    ("kerbside", "breakdown-patrols-electric-tow", "challenge-cloudflare-human-de"),
    ("ev-kurier", "kommentar-tempo-ladeleistung", "consent-contentpass-de"),
    ("chargepost", "cork-harbour-charging-hub", "shell-next-en"),
    ("dianche", "jianpan-anniu-huigui", "challenge-aliyun-zh"),
    ("voltward", "e-bike-battery-certification-law", "503"),
)
"""Replaced by a refused page or an error when they are revisited: neither an edit nor a withdrawal."""

RESTORED = (
    ("ev-kurier", "winterreichweite-test-zwoelf-autos"),
    ("chargepost", "voltward-winter-tire-test-electric-suv"),
)
"""Withdrawn, and restored later."""

BROKEN_PATH = ("dianche", "/article/")
"""Every article of this host responds with 404."""
