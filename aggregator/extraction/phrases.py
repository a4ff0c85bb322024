"""List phrases that mark text outside the article, and words around author names, in many languages.

Alternatives are separated by " | " and line breaks. A list whose name ends in PATTERNS has regular expressions.
"""

from __future__ import annotations


def split_alternatives(text: str) -> list[str]:
    """Return the alternatives of a list."""
    return [item for line in text.strip().splitlines() for item in line.split(" | ")]


def join_alternatives(text: str) -> str:
    """Return the alternatives of a list as one regular expression."""
    return "(?:" + "|".join(split_alternatives(text)) + ")"


INTERFACE_LABELS = """
advert | advertentie | advertisement
ad | ads
also read | annonce | annons | annonse | anzeige | article | artikel teilen | auch interessant | back to top
click here | comentarios | comment | commentaires | comments | compartir | condividi | contents | copy link
czytaj też | czytaj więcej | del | dela | delen | email | facebook | gallery | image | images | indhold | indice
inhalt | inhaltsverzeichnis | inhoud | innehåll | innhold | içindekiler | kommentare | lee también | lees ook
leggi anche | leia mais | leia também | les også | lesen sie auch | link kopieren | lire aussi | listen
loading | log in | läs också | läs även | læs også | mehr zum thema | more from | obsah | partager | photo
photos | print | pubblicità | publicidad | publicidade | publicité | přečtěte si také | read also | read more
read next | readmore | reklam
sponsored content | promoted | article continues below | 廣告 | reklama | reklame
related | related articles | related stories | share | share this | share this article | sign up | sisällys
sommaire | spis treści | sponsored | story continues below | subscribe | swipe | table of contents | teilen
this is a breaking new story more to follow | this is a breaking news story | twitter | video | watch | werbung
whatsapp | zobacz też | à lire aussi | índice | článek | реклама | читайте также | читайте також | 广告 | 広告 | 廣告
目录 | 目次 | 相关报道 | 相关新闻 | 相关阅读 | 関連記事 | 관련기사 | 광고
"""
"""Labels of the user interface, if the line has no other text."""


ADVERT_PATTERNS = r"""
ads? | adverts? | advert[io]rial | advertis?ements? | advertising | sponsored(?: content| post| message| by)?
sponsors? | promoted(?: content| post| by)? | paid (?:content|post|partnership|promotion) | partner content
(?:a )?(?:message|word) from our sponsors?
anzeigen? | werbung | gesponsert(?: von)? | annons[ei]? | annonce(?: publicitaire)?s? | annonsørinnhold
sponset(?: innhold)? | sponsrad | sponsoreret | reklamer? | reklama | publicité | contenu sponsorisé | sponsorisé
publicidad | patrocinado | contenido patrocinado | publicidade | conteúdo patrocinado | pubblicità
contenuto sponsorizzato | sponsorizzato | advertentie | gesponsord | mainos | kaupallinen yhteistyö
materiał sponsorowany | ogłoszenie | inzerce | διαφήμιση | реклама | на правах рекламы | партнёрский материал
reklam | 广告 | 推广 | 廣告 | 赞助 | 贊助 | 広告 | ＰＲ | pr | 광고 | إعلان
"""
"""Labels of adverts, before a colon or a similar separator."""


INVITATION_PATTERNS = r"""
sign up (?:for|to|here) | subscribe (?:to|now|here|for)
(?:get|receive) (?:the|our|all the) .{0,60}(?:newsletter|inbox|brief)
join (?:our|the) .{0,40}(?:newsletter|whatsapp|telegram|community|forum|channel)
follow (?:us|me|her|him|them)\s | follow .{2,40} on (?:x|twitter|facebook|instagram|google) | like us on\s
read (?:more|next|also)\s*[:»>|] | also read\s*[:»>|] | more\s*: | related\s*[:»>|] | see also\s*[:»>|]
don[’']t miss\s*[:»>|]? | recommended\s*[:»>|] | watch\s*:
(?:les|läs|læs) (?:også|också|även|mer|mere)\s*[:»>|] | lesen sie (?:auch|hier|dazu) | mehr zum thema
mehr dazu\s*: | auch interessant | lire aussi | à lire aussi | lee también | te puede interesar
leia (?:também|mais) | leggi anche | lees ook | czytaj (?:więcej|też|także) | zobacz (?:też|także) | čtěte také
přečtěte si | читайте (?:также|також|ещё|еще) | ver también | 相关阅读 | 延伸阅读 | 更多精彩 | abonnieren sie
jetzt abonnieren | folgen sie uns | folge uns | suivez-nous | síguenos | (?:©|\(c\)|copyright )\s?.{0,80}\d{4}
.{0,80}all rights reserved | have a (?:news )?tip\b | got a (?:story|tip)\b | contact us at\s
"""
"""Beginnings of lines that invite to read, follow or subscribe."""


APPENDIX_PATTERNS = r"""
more from [^:]{2,40} | more must-reads.{0,40}
related(?: articles| stories| posts| content| news| reading| topics)?
you (?:may|might) (?:also )?(?:like|be interested).{0,20} | (?:our |the )?comments?
comments? from the forums? | leave a (?:reply|comment) | about the authors?
recommended(?: for you| reading| stories)? | read (?:more|next) | trending(?: now| stories)?
most (?:popular|read) | latest (?:news|stories|articles) | popular(?: posts| stories| now)?
share this(?: article| story| post)? | see also | further reading | mehr zum thema
das könnte (?:sie|dich) auch interessieren | auch interessant | weitere (?:artikel|themen|nachrichten)
kommentare | lesen sie auch | über den autor | à lire aussi | sur le même sujet | les plus lus | commentaires
lire aussi | noticias relacionadas | te puede interesar | más noticias | lee también | comentarios
leia (?:também|mais) | veja também | notícias relacionadas | leggi anche | potrebbe interessarti
articoli correlati | lees ook | meer over | gerelateerd | les også | läs också | læs også | czytaj także
zobacz także | powiązane | související | читайте также | читайте також | 相关阅读 | 相关新闻
相关报道 | 相关文章 | 延伸阅读 | 热门评论
最新评论 | 推荐阅读 | 関連記事 | あわせて読みたい | 관련기사
"""
"""Headings that announce other articles or comments."""


NON_PERSON_NAMES = """
admin | administrator | all | anonymous | auteur | author | authors | autor | by | contributor | contributors
copyright | de redactie | default | desk | editor | editorial | editorial staff | editorial team | editors
follow | gesponserte inhalte | guest | guest author | guest contributor | la rédaction | more | n a | na | news
news desk | newsdesk | newsroom | no author | none | null | online redaktion | posts | press release | redaccion
redacción | redactie | redaction
redakcja | redaksjonen | redaktion | redaktionen | redazione | report | reporter | root | rédaction | share
site admin | staff | staff reporter | staff writer | staff writers | super user | superuser | team | test
the editors | toimitus | undefined | unknown | user | video | web desk | web editor | webmaster | wp admin | 佚名
作者 | 匿名 | 小编 | 本站 | 管理员 | 编辑 | 网络 | 记者 | 责任编辑
"""
"""Values in author fields that are not names of persons."""


AGENCIES = """
afp | agenturen | ani | anp | ansa | ap | apa | associated press | belga | bloomberg | canadian press | cnn
ctk | dpa | dpa afx | efe | europa press | ians | interfax | keystone sda | lusa | ntb | pa media | pap
press association | pti | reuters | ritzau | sda | sid | tass | the associated press | the canadian press | tnn
tt | xinhua | čtk | 中新社 | 新华社
"""
"""News agencies, which count as authors only if no person is named."""


BYLINE_PREFIX_PATTERNS = r"""
(?:veröffentlicht|geschrieben|verfasst|erstellt|eingestellt|gepostet) von | (?:publié|posté|proposé) par
(?:publicado|redactado) por | (?:pubblicato|postato) da | (?:publisert|skrevet|postet|publicerad|skriven|udgivet) a[vf]
(?:geplaatst|gepubliceerd) door | (?:opublikowane|napisane) przez | опубликовано
tekst og foto | tekst | skrevet av | af journalist | escrito por | écrit par | rédigé par | scritto da | geschreven door
(?:written|posted|published|reported|words|story|text|article|edited|reviewed|medically reviewed)\s+by | by
von | par | por | di | da | av | af | door | texto de | text | przez | autor(?:in|a|e|es)? | author | auteur
autore | schrijver | redaktion | reporter | byline | kirjoittaja | yazan | от | автор | текст | 作者 | 记者 | 記者
撰文 | 文 | 本报记者 | 本報記者 | 采写 | 来源 | 編輯 | 编辑 | 责任编辑 | 責任編輯 | 글 | 기자 | 執筆
"""
"""Words before an author's name."""


NON_NAME_PATTERNS = r"""
about | account | also | article | articles | bearbeiten | click | comments? | contact | cookie | editor
edited | est | follow | folgen | full | here | home | just | last | learn | link | menu | min | minutes? | more
news | newsletter | next | now | ago | online | page | photo | posts? | privacy | profile | published | read
reading | reviewed | save | search | share | size | staff | stories | story | subscribe | team | text | the
themen | time | top | twitter | updated | verified | video | view | website | written | your
"""
"""Words around bylines that are never part of a name."""


ROLE_PATTERNS = r"""
staff | writer | editor | editors | reporter | correspondent | contributor | columnist | journalist
redakteur(?:in)? | redactie | redaktor | chief | senior | associate | deputy | managing | freelance | special
bureau | editorial | director | manager | analyst | fellow | professor | ceo | founder | md | phd | ph\.d | mph
rd | rn | esq | jr\.?
"""
"""Roles and titles after, or in place of, a name."""
