import java.util.Scanner;

/** Makes a call for each line of standard input, and prints how it went. */
class Calls {
    interface Call {
        void make() throws Exception;
    }

    static void onEachLine(Call call) {
        for (Scanner lines = new Scanner(System.in); lines.hasNextLine(); lines.nextLine()) {
            try {
                call.make();
                System.out.println("call: ok");
            } catch (Exception error) {
                System.out.println("call: refused " + error.toString().replace('\n', ' '));
            }
        }
    }
}
