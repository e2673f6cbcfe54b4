#include "bounce/category.h"

#include <array>

namespace gonets::bounce {
namespace {

using enum lasting;

// In the order of the enum.
constexpr std::array<category_facts, categories> all{{
    {"user_unknown", concern::address, by_code, true,
     "There is no such mailbox. Correct the address or remove it from your lists.",
     "Такого почтового ящика нет. Исправьте адрес или удалите его из списков."},
    {"mailbox_full", concern::mailbox, soft, false, "The mailbox has no room left. Try again in a few days.",
     "В почтовом ящике нет места. Повторите отправку через несколько дней."},
    {"mailbox_disabled", concern::mailbox, by_code, true,
     "The mailbox is switched off, blocked or abandoned. Stop writing to it.",
     "Почтовый ящик отключён, заблокирован или заброшен. Больше не пишите на этот адрес."},
    {"domain_unknown", concern::address, by_code, true,
     "The domain of the address does not exist or has no mail server. Check its spelling.",
     "Домена из адреса нет, или у него нет почтового сервера. Проверьте написание."},
    {"domain_not_accepting", concern::receiver, by_code, false,
     "The domain takes no mail, or its server does not serve it. Reach the recipient another way.",
     "Домен не принимает почту, или его сервер им не занимается. Свяжитесь с получателем иначе."},
    {"moved", concern::address, by_code, true, "The recipient has another address now. Use that one.",
     "У получателя теперь другой адрес. Пишите на него."},
    {"rejected_content", concern::content, by_code, false,
     "The receiver refuses something in this message: an attachment, a link, a header. Change it.",
     "Получателя не устраивает содержание письма: вложение, ссылка или заголовок. Измените его."},
    {"spam_suspected", concern::content, by_code, false,
     "The receiver's filter takes this message for spam. Check content and links, and that recipients want it.",
     "Фильтр получателя счёл письмо спамом. Проверьте содержание, ссылки и согласие получателей."},
    {"virus_suspected", concern::content, by_code, false,
     "The receiver found a virus or a dangerous file in the message. Check it and your system.",
     "Получатель нашёл в письме вирус или опасный файл. Проверьте вложение и свою систему."},
    {"blocklisted", concern::reputation, by_code, false,
     "The sending address or domain is on a blocklist. Find the cause, then ask the list to remove it.",
     "Адрес или домен отправителя в чёрном списке. Устраните причину и запросите исключение."},
    {"reputation", concern::reputation, by_code, false,
     "The receiver does not trust the sending address or domain. Send less, and only to those who want it.",
     "Получатель не доверяет адресу или домену отправителя. Снизьте объём и пишите только тем, кто этого ждёт."},
    {"authentication_failed", concern::authentication, by_code, false,
     "SPF, DKIM, DMARC or reverse DNS of the sender did not pass. Correct the sender's DNS and signatures.",
     "Не пройдена проверка SPF, DKIM, DMARC или обратной записи DNS. Исправьте DNS и подписи отправителя."},
    {"tls_required", concern::policy, by_code, false,
     "One side demands an encrypted connection that did not come about. Check TLS and certificates.",
     "Требуется шифрованное соединение, но оно не удалось. Проверьте TLS и сертификаты."},
    {"policy", concern::policy, by_code, false,
     "A rule of the receiver forbids this mail. Ask the receiver's postmaster.",
     "Правила получателя запрещают это письмо. Обратитесь к администратору его почты."},
    {"rate_limited", concern::rate, temporary, false, "Too much mail in too short a time. Send slower.",
     "Слишком много писем за короткое время. Отправляйте медленнее."},
    {"greylisted", concern::greylisting, temporary, false,
     "The receiver puts off mail from senders new to it. It will be taken at the next attempt.",
     "Получатель откладывает почту новых отправителей. Письмо примут при повторной попытке."},
    {"too_large", concern::content, by_code, false, "The message is too large for the receiver. Make it smaller.",
     "Письмо слишком велико для получателя. Уменьшите его."},
    {"not_allowed", concern::policy, by_code, false,
     "This sender may not write to this recipient, or not through this server. Ask the recipient to allow it.",
     "Этому отправителю не разрешено писать получателю или через этот сервер. Попросите получателя разрешить."},
    {"protocol_error", concern::network, by_code, false,
     "The two servers did not understand each other. Check the address and the sending software.",
     "Серверы не поняли друг друга. Проверьте адрес и программу отправки."},
    {"network_error", concern::network, soft, false,
     "The receiver's server could not be reached. If it lasts, check the domain.",
     "С сервером получателя нет связи. Если это надолго, проверьте домен."},
    {"system_error", concern::receiver, soft, false,
     "The receiver's mail system is out of order or wrongly set up. Try again later.",
     "Почтовая система получателя неисправна или неверно настроена. Повторите позже."},
    {"expired", concern::network, soft, false,
     "Delivery was tried until its time was over. See why the attempts failed, then send again.",
     "Время доставки истекло. Выясните причину неудачных попыток и отправьте снова."},
    {"auto_reply", concern::mailbox, temporary, false, "An automatic answer; the message has arrived.",
     "Автоматический ответ; письмо дошло."},
    {"challenge", concern::policy, temporary, false,
     "The recipient's filter wants a person to confirm the message. Confirm it if you wish to write to them.",
     "Фильтр получателя просит подтвердить письмо вручную. Подтвердите, если хотите ему писать."},
    {"unknown", concern::unknown, by_code, false, "The receiver gave no reason that is understood. Read its words.",
     "Причина отказа не ясна. Прочтите ответ получателя."},
}};

constexpr std::array<std::string_view, 11> concern_names{"address",        "mailbox",  "content", "reputation",
                                                         "authentication", "policy",   "rate",    "greylisting",
                                                         "network",        "receiver", "unknown"};

}  // namespace

const category_facts& facts_of(category c) {
  return all[static_cast<std::size_t>(c)];
}

std::string_view to_text(category c) {
  return facts_of(c).name;
}

std::string_view to_text(concern c) {
  return concern_names[static_cast<std::size_t>(c)];
}

std::optional<category> parse_category(std::string_view name) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].name == name) return static_cast<category>(i);
  }
  return std::nullopt;
}

}  // namespace gonets::bounce
