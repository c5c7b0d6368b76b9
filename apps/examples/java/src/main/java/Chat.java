// A conversation: reads lines, and prints the answers: java -cp write.jar Chat MODEL.gguf
// SPDX-License-Identifier: Apache-2.0
import dev.gyre.ChatMessage;
import dev.gyre.Conversation;
import dev.gyre.GenerateOptions;
import dev.gyre.GyreException;
import dev.gyre.Model;
import dev.gyre.Session;
import java.io.File;
import java.util.Scanner;

public final class Chat {
    public static void main(String[] arguments) {
        // Most answers end sooner, by themselves.
        GenerateOptions options = GenerateOptions.builder().maxTokens(400).build();
        try (Model model = Model.open(new File(arguments[0]));
                Session session = model.createSession();
                Scanner lines = new Scanner(System.in)) {
            Conversation conversation = new Conversation(model, session);
            while (lines.hasNextLine()) {
                conversation.add(ChatMessage.user(lines.nextLine()));
                conversation.answer(options, token -> {
                    System.out.print(token.getText());
                    System.out.flush();
                    return true; // false stops
                });
                System.out.println();
            }
        } catch (GyreException error) {
            System.err.println(error.getStatus() + ": " + error.getMessage());
            System.exit(1);
        }
    }
}
