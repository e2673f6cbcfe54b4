#include "bounce/detail/phrases.h"

#include <algorithm>

#include "bounce/normalise.h"

namespace gonets::bounce::detail {

std::string normalised(std::string_view text) {
  static const word_set none;
  std::string shape;
  normalise(text, none, shape);
  return shape;
}

phrases::phrases(std::string_view all) {
  while (!all.empty()) {
    const std::size_t bar = std::min(all.find('|'), all.size());
    const auto each = all.substr(0, bar);
    all.remove_prefix(std::min(bar + 1, all.size()));
    std::string shape = normalised(each);
    if (each.ends_with('*')) shape.pop_back();
    words_.add(shape, 0);
  }
  words_.finish();
}

bool phrases::in(std::string_view normalised) const {
  automaton::state at = 0;
  for (const char c : normalised) {
    at = words_.next(at, c);
    if (words_.matches(at)) return true;
  }
  return false;
}

const phrases& bounce_subjects() {
  static const phrases all(
      "undeliver*|undelivered*|delivery fail*|delivery failure|delivery status notification|"
      "delivery notification|delivery report|delivery problem*|delivery error|delivery has failed|"
      "mail delivery failed|failure notice|failure notification|failure delivery|returned mail|"
      "returned to sender|returning message to sender|mail returned|message returned|mail system error|"
      "mail delivery|non delivery|nondeliverable|not delivered|could not be delivered|couldnt be delivered|"
      "cannot be delivered|delayed mail|delivery delayed|warning could not send|message not delivered|"
      "mail could not be delivered|message delivery|unable to deliver|bounce*|message rejected|"
      "your message couldnt be delivered|mail failure|ndn|ndr|dsn|delayed|message status undeliverable|"
      "unzustellbar*|nicht zustellbar|nicht zugestellt|konnte nicht zugestellt|fehler bei der zustellung|"
      "zustellung fehlgeschlagen|zustellungsfehler|unzustellbarkeit*|retourniert|не доставлено|"
      "недоставлен*|не доставлен*|ошибка доставки|"
      "невозможно доставить|не удалось доставить|"
      "возврат письма|сообщение о недоставке|"
      "не может быть доставлен*|уведомление о недоставке|"
      "возвращено|статус доставки|недоставка|"
      "не вдалося доставити|не доставлене|non remis*|non distribu*|"
      "echec de la remise|echec de remise|echec d'envoi|echec de livraison|echec de la distribution|"
      "retour de courrier|non delivr*|impossible de remettre|remise impossible|rapport de non remise|"
      "no se puede entregar|no entregado|no se ha podido entregar|no se pudo entregar|error de entrega|"
      "fallo en la entrega|correo devuelto|no entregable|mensaje no entregado|devolucion|devuelto|"
      "nao entregue|nao foi entregue|falha na entrega|nao e possivel entregar|erro na entrega|"
      "falha no envio|devolvida|nao foi possivel entregar|nao pode ser entregue|retorno de email|"
      "mancata consegna|mancato recapito|non recapitabile|messaggio non consegnato|errore di consegna|"
      "consegna fallita|impossibile recapitare|non consegnat*|non recapitat*|niedostarczon*|"
      "nie dostarczon*|blad dostarczania|nie mozna dostarczyc|zwrot wiadomosci|zwrot poczty|"
      "niedostarczalna|problem z dostarczeniem|onbestelbaar|niet bezorgd|kan niet worden bezorgd|"
      "nedoruceno|nedorucitelne|nelze dorucit|kunde inte levereras|iletilemedi|配信不能|"
      "配信エラー|送信エラー|配信できません|配信失敗|配送不能|"
      "送信できません|届きません|エラーメール|宛先不明|退信|系统退信|"
      "投递失败|无法投递|退回|被退回|未送达|傳遞失敗|無法傳遞|未傳遞|"
      "发送失败|無法送達|邮件退回|반송|전송 실패|배달 실패|배달되지");
  return all;
}

const phrases& bounce_texts() {
  static const phrases all(
      "could not be delivered|couldnt be delivered|cannot be delivered|can not be delivered|"
      "could not deliver|couldnt deliver|unable to deliver|was not delivered|wasnt delivered|"
      "were not delivered|not able to deliver|not be delivered|did not reach|could not be reached|"
      "delivery failed|delivery has failed|delivery to the following|permanent error*|"
      "permanent fatal errors|failed permanently|permanent failure|undeliverable|has been returned|"
      "is being returned|returned to sender|failed recipient*|failed address*|failed to deliver|"
      "delivery failure|qmail send|mail delivery software|delivery subsystem|mail delivery system|"
      "remote host said|following addresses|following address|following recipient*|error message below|"
      "message wasnt delivered|message bounced|has not been delivered|not yet been delivered|"
      "transcript of session|delivery attempts|delivery attempt|address not found|message blocked|"
      "message not delivered|recipient inbox full|delivery incomplete|transient failure|"
      "temporary problem delivering|not delivered|sorry we were unable|user unknown|unknown user|"
      "message could not be|mail could not be|reason for the failure|reason of failure|failure reason|"
      "remote server returned|was rejected|your message was rejected|delivery to|unzustellbar|"
      "nicht zugestellt|konnte nicht|nicht zustellbar|zustellung|не доставлен*|"
      "не было доставлено|не может быть доставлен*|"
      "не удалось доставить|невозможно доставить|"
      "ошибка доставки|не удалось отправить|недоставк*|"
      "доставлено не было|не вдалося доставити|na pas pu etre remis*|"
      "na pas pu etre delivr*|na pas pu etre distribu*|na pas ete remis*|pas pu etre|echec de|non remis*|"
      "no se ha podido entregar|no se pudo entregar|no pudo ser entregado|no ha podido ser|"
      "no puede ser entregado|no ha sido entregado|error al entregar|nao pode ser entregue|"
      "nao foi possivel entregar|nao foi entregue|nao podem ser entregues|non e stato possibile|"
      "non e stato consegnat*|non e stato recapitat*|impossibile recapitare|impossibile consegnare|"
      "non ha raggiunto|nie mogla zostac dostarczona|nie zostala dostarczona|nie mozna dostarczyc|"
      "nie udalo sie dostarczyc|nie dostarczon*|kon niet worden|nebylo mozne dorucit|nelze dorucit|"
      "配信できませんでした|配信できません|送信できませんでした|"
      "届けることができません|配送できません|送信することができません|"
      "配信不能|無法傳送|无法送达|無法送達|退回|退信|无法投递|投递失败|"
      "未能送达|发送失败|배달하지|배달되지|전송하지|전달되지");
  return all;
}

const phrases& delay_texts() {
  static const phrases all(
      "warning message only|do not need to resend|dont need to resend|will continue to be|"
      "will continue to try|still trying|still being retried|will keep trying|will be retried|"
      "will be retrying|will retry|will try again|has been delayed|is delayed|delivery delayed|"
      "delivery incomplete|not yet been delivered|has not yet been|no action is required|not yet delivered|"
      "delivery delay|delivery status notification delay|warning could not send message for|"
      "warning message delayed|message delayed|temporary problem delivering|temporarily delayed|"
      "still in the queue|attempts to deliver the message will continue|delivery attempts will continue|"
      "попытки будут продолжены|попытки доставки будут|"
      "доставка задерж*|задержка доставки|пока не доставлено|"
      "wird weiter versucht|verzogert|noch nicht zugestellt|verzoegert|retarde*|na pas encore ete|"
      "nouvelles tentatives|retrasad*|seguira intentando|se seguira|adiad*|continuara tentando|atrasad*|"
      "ritardat*|ulteriori tentativi|opoznion*|kolejne proby|遅延|再送を試み|延迟|延遲|"
      "继续尝试|지연");
  return all;
}

const phrases& absence_subjects() {
  static const phrases all(
      "automatic reply|auto reply|autoreply|auto response|autoresponse|auto responder|autoresponder|"
      "automatic response|automated reply|automated response|automatically generated|auto answer|"
      "out of office|out of the office|outofoffice|ooo|away from|on vacation|vacation|on holiday|on leave|"
      "annual leave|maternity leave|absence|i am away|im away|away message|auto re|no longer with|"
      "thank you for your email|thank you for contacting|we received your|we have received|"
      "your request has been received|ticket received|case created|read receipt|return receipt|read|"
      "автоответ*|автоматический ответ|"
      "автоматичн* відповідь|нет на месте|в отпуске|отпуск|"
      "отсутств*|прочтено|прочитано|abwesenheit*|abwesend|automatische antwort|"
      "nicht im haus|nicht im buro|urlaub|autom antwort|eingangsbestatigung|lesebestatigung|"
      "reponse automatique|message d'absence|absent*|absence du bureau|conges|en conge|accuse de lecture|"
      "accuse de reception|respuesta automatica|fuera de la oficina|fuera de oficina|ausencia|vacaciones|"
      "resposta automatica|fora do escritorio|ausente|ferias|risposta automatica|fuori ufficio|assenza|"
      "assente|in ferie|conferma di lettura|autoodpowiedz|odpowiedz automatyczna|automatyczna odpowiedz|"
      "poza biurem|nieobecn*|urlop*|automatisch antwoord|afwezig*|automaticka odpoved|mimo kancelar|"
      "autosvar|poissa|franvaro|otomatik yanit|自動応答|自動返信|不在|休暇|自动回复|"
      "自動回覆|自动答复|外出|休假|자동 응답|자동회신|부재");
  return all;
}

const phrases& absence_texts() {
  static const phrases all(
      "out of the office|out of office|on vacation|on holiday|on annual leave|on leave|away from my|"
      "away from the office|will be away|am away|im away|currently away|will return on|back in the office|"
      "limited access to email|limited access to my email|automatic reply|automated response|"
      "automated reply|auto reply|automatically generated reply|automatic response|no longer works|"
      "no longer work|no longer employed|no longer with|has left the company|left the company|"
      "maternity leave|in urgent cases|in my absence|during my absence|отпуск*|автоответ*|"
      "буду отсутствовать|отсутств*|автоматическ*|вернусь|"
      "больше не работает|im urlaub|abwesend|nicht im buro|nicht erreichbar|"
      "automatische antwort|wieder im buro|wieder erreichbar|absent*|de retour|en conge*|"
      "reponse automatique|fuera de la oficina|de vacaciones|respuesta automatica|ausente|de ferias|"
      "fora do escritorio|resposta automatica|fuori ufficio|in ferie|risposta automatica|saro assente|"
      "na urlopie|poza biurem|nieobecn*|automatyczna|afwezig|op vakantie|mimo kancelar|dovolen*|不在|"
      "休暇|自動返信|自動応答|出張|休假|出差|自动回复|自動回覆|부재|휴가");
  return all;
}

const phrases& challenge_texts() {
  static const phrases all(
      "confirm that you are|confirm you are|prove you are human|prove that you are|are a human|"
      "you are human|a real person|not a spammer|verify your email to|verify your address|verify that you|"
      "to verify you|challenge response|challenge|spamarrest|spam arrest|boxbe|tmda|bluebottle|captcha|"
      "please confirm your message|confirm your message|confirm delivery|confirmation required|"
      "requires confirmation|have your message delivered|message delivered to|click here to confirm|"
      "one time confirmation|sender verification|sender confirmation|sender address verification|"
      "email verification|spamblocker|suspect email|allow list request|to release your message|"
      "be added to the allowed|added to my approved|approved senders list|"
      "подтвердите, что вы|подтвердите отправку|"
      "подтверждени*|не робот|не спамер|bestatigen sie, dass|"
      "bestatigen sie ihre nachricht|bestatigung erforderlich|confirmez que vous|confirmer votre message|"
      "mailinblack|vade retro|confirme que|confirmar su mensaje|confirme seu email|anti spam uol|"
      "antispam uol|confirmar o envio|conferma che sei|potwierdz|确认您是|验证您");
  return all;
}

const phrases& complaint_subjects() {
  static const phrases all(
      "complaint about message|email feedback report|feedback report|abuse report|spam report|"
      "spam complaint|complaint|email complaint|abuse complaint|report of abuse|abuse|junk mail report|"
      "жалоба|жалоба на спам|жалоба на письмо|spambeschwerde|beschwerde|"
      "plainte|queja|denuncia|reclamacao|segnalazione|skarga|投诉|投訴|迷惑メール報告");
  return all;
}

const phrases& unsubscribe_words() {
  static const phrases all(
      "unsubscribe|unsubscribe me|unsub|remove me|remove my|opt out|optout|take me off|stop sending|"
      "stop emailing|stop mailing|please remove|delete me|signoff|cancel subscription|"
      "cancel my subscription|отписаться|отпишите|отписать*|отписка|"
      "удалите меня|уберите меня|відписатис*|відписати*|abmelden|"
      "abmeldung|abbestellen|austragen|newsletter abbestellen|desabonner|me desabonner|desabonnement|"
      "desinscrire|desinscription|desinscrivez|darse de baja|darme de baja|dar de baja|"
      "cancelar suscripcion|eliminarme|descadastrar|cancelar inscricao|remover meu email|"
      "cancelar a inscricao|cancellami|cancellarmi|disiscrivimi|disiscrizione|annulla iscrizione|wypisz|"
      "wypisac|rezygnuje|anuluj subskrypcje|afmelden|uitschrijven|odhlasit|avregistrera|配信停止|"
      "登録解除|購読解除|退订|退訂|取消订阅|取消訂閱|수신거부|구독 취소");
  return all;
}

}  // namespace gonets::bounce::detail
