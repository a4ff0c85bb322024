"""Names of the months, full and short, in the languages of news pages."""

from __future__ import annotations

MONTH_NAMES = (
    """
    يناير जनवरी jan januari januar january janvier janv enero ene gennaio gen janeiro ιανουαριου ιαν январь января
    янв січня styczeń stycznia sty leden ledna ocak oca tammikuu tammikuuta január januára januarie ianuarie
    januaris sausio janvāris siječnja
    """,
    """
    فبراير फरवरी feb februari februar february februarie février fevrier févr fév febrero febbraio fevereiro fev
    φεβρουαριου φεβ февраль февраля фев лютого luty lutego lut únor února şubat şub helmikuu helmikuuta február
    februára vasario februāris veljače
    """,
    """
    مارس मार्च mar mars märz mrz maerz march maart mrt mär marzo março marco μαρτιου μαρ март марта мар березня
    marzec marca březen března mart maaliskuu maaliskuuta március marec martie kovo marts ožujka
    """,
    """
    أبريل ابريل अप्रैल apr april avril avr abril abr aprile αпριλιου απριλιου απρ апрель апреля апр квітня kwiecień
    kwietnia kwi duben dubna nisan nis huhtikuu huhtikuuta április apríl apríla aprilie balandžio aprīlis travnja
    """,
    """
    مايو मई may mai maj mayo maio maggio mag mei μαιου μαι май мая травня maja květen května mayıs toukokuu
    toukokuuta május mája gegužės maijs svibnja
    """,
    """
    يونيو जून jun june juni juin junio giugno giu junho ιουνιου ιουν июнь июня июн червня czerwiec czerwca cze
    červen června haziran haz kesäkuu kesäkuuta június júna iunie birželio jūnijs lipnja
    """,
    """
    يوليو जुलाई jul july juli juillet juil julio luglio lug julho ιουλιου ιουλ июль июля июл липня lipiec lipca lip
    červenec července temmuz tem heinäkuu heinäkuuta július júla iulie liepos jūlijs srpnja
    """,
    """
    أغسطس अगस्त aug august augusti augustus août aout agosto ago αυγουστου αυγ август августа авг серпня sierpień
    sierpnia sie srpen srpna ağustos ağu elokuu elokuuta augusztus augusta rugpjūčio augusts kolovoza
    """,
    """
    سبتمبر सितंबर sep sept september septembre septiembre settembre set setembro σεπτεμβριου σεπ сентябрь сентября
    сен сент вересня wrzesień września wrz září eylül eyl syyskuu syyskuuta szeptember septembra septembrie rugsėjo
    septembris rujna
    """,
    """
    أكتوبر अक्टूबर oct oktober october okt octobre octubre ottobre ott outubro out οκτωβριου οκτ октябрь октября окт
    жовтня październik października paź říjen října ekim eki lokakuu lokakuuta október októbra octombrie spalio
    oktobris
    """,
    """
    نوفمبر नवंबर nov november novembre noviembre novembro νοεμβριου νοε ноябрь ноября ноя листопада listopad
    listopadu kasım kas marraskuu marraskuuta novembra noiembrie lapkričio novembris studenoga lis listopada
    """,
    """
    ديسمبر दिसंबर dec dez december dezember décembre decembre déc diciembre dic dicembre dezembro δεκεμβριου δεκ
    декабрь декабря дек грудня grudzień grudnia gru prosinec prosince aralık ara joulukuu joulukuuta decembra
    decembrie gruodžio decembris prosinca des
    """,
)
"""The names of the months, January first, by words."""

MONTH_NUMBERS = {name: number for number, names in enumerate(MONTH_NAMES, 1) for name in names.split()}
"""The number of a month by its name in lower case."""
